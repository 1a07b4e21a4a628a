{# Versions by PEP 440 and semver: `v1.10.0-rc.2`, `3.12.0b4`, `2024.1`, `1.0.post1`. #}

{# A tag without its product's name, `release` and `v`: `kafka-3.1.0` -> `3.1.0`; lower case. #}
{% macro version_of_tag(tag, product_name, repository_name) -%}
    {%- set lowered = "lower(trim(" ~ tag ~ "))" -%}
    {%- set short_name = "lower(split_part(" ~ repository_name ~ ", '/', 2))" -%}
    {%- set unnamed -%}
    case
        when length({{ product_name }}) > 0 and left({{ lowered }}, length({{ product_name }})) = lower({{ product_name }})
            then substr({{ lowered }}, length({{ product_name }}) + 1)
        when length({{ short_name }}) > 0 and left({{ lowered }}, length({{ short_name }})) = {{ short_name }}
            then substr({{ lowered }}, length({{ short_name }}) + 1)
        else {{ lowered }}
    end
    {%- endset -%}
    coalesce(
        nullif(
            {{ extract_match(unnamed, '^[-_/@ ]?(release|rel|version|ver)?[-_/@ ]?v?[.]?([0-9].*)$', 2) }}, ''
        ),
        trim({{ tag }})
    )
{%- endmacro %}

{# Whether the text is a version that can be ordered. #}
{% macro is_version(version) -%}
    {{ is_match('lower(' ~ version ~ ')', version_pattern()) }}
{%- endmacro %}

{% macro version_pattern() -%}
    ([0-9]+!)?[0-9]+([.][0-9]+)*(([-._~]?(a|b|c|m|p|rc|pl|sp|dev|pre|post|alpha|beta|preview)[-._]?[0-9]*|[-._~][a-z]+)([-._]?[a-z0-9]+)*|-[0-9]+)?([+][a-z0-9.-]+)?
{%- endmacro %}

{# What follows the numbers of a release, lower case, without `+local`: `rc.2` of `1.0.0-rc.2+x`. #}
{% macro version_suffix(version) -%}
    {{ extract_match('lower(' ~ version ~ ')', '^([0-9]+!)?[0-9]+([.][0-9]+)*[-._~]?([^+]*)', 3) }}
{%- endmacro %}

{# The first word of the suffix, spelled in one way. #}
{% macro version_word(version) -%}
    {%- set word = extract_match(version_suffix(version), '^[a-z]+') -%}
    case {{ word }}
        when 'a' then 'alpha'
        when 'b' then 'beta'
        when 'c' then 'rc'
        when 'pre' then 'rc'
        when 'preview' then 'rc'
        else {{ word }}
    end
{%- endmacro %}

{# dev 0, pre-release 1, final 5, post 6. #}
{% macro version_stage(version) -%}
    case
        when {{ version_suffix(version) }} = '' then '5'
        when {{ version_word(version) }} = 'dev' then '0'
        when {{ version_word(version) }} in ('final', 'ga', 'release', 'stable', 'lts') then '5'
        when {{ version_word(version) }} in ('', 'post', 'p', 'pl', 'sp', 'r', 'rev', 'patch') then '6'
        else '1'
    end
{%- endmacro %}

{# Whether the text is a pre-release by PEP 440 or semver; a `.dev` anywhere makes one. #}
{% macro is_prerelease_version(version) -%}
    ({{ version_stage(version) }} in ('0', '1') or {{ version_suffix(version) }} like '%dev%')
{%- endmacro %}

{# A text that sorts as the versions do: six numbers, then stage, word, its number and `.dev`. #}
{% macro version_sort_key(version) -%}
    {%- set numbers = extract_match('lower(' ~ version ~ ')', '^([0-9]+!)?([0-9]+([.][0-9]+)*)', 2) -%}
    case
        when {{ is_version(version) }}
            then lpad({{ extract_match('lower(' ~ version ~ ')', '^([0-9]+)!', 1) }}, 4, '0')
                {%- for place in range(1, 7) %}
                || lpad(split_part({{ numbers }}, '.', {{ place }}), 14, '0')
                {%- endfor %}
                || {{ version_stage(version) }}
                || case
                    when {{ version_stage(version) }} = '1' then rpad({{ version_word(version) }}, 12, ' ')
                    else rpad('', 12, ' ')
                end
                || lpad({{ extract_match(version_suffix(version), '[0-9]+') }}, 14, '0')
                || case when {{ version_suffix(version) }} like '%_dev%' then '0' else '1' end
                || lpad({{ extract_match(version_suffix(version), 'dev[-._]?([0-9]+)', 1) }}, 14, '0')
    end
{%- endmacro %}
