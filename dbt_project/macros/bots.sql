{# How we know that an account is a bot; null for a person. `listed` is the login in the seed `bots`. #}
{% macro bot_evidence(login, account_type, listed) -%}
    case
        when {{ account_type }} = 'Bot' then 'account type'
        when right(lower({{ login }}), 5) = '[bot]' then 'login suffix'
        when {{ listed }} is not null then 'reviewed list'
    end
{%- endmacro %}
