{# Who acts by itself: by the account's type, by its login, or by the reviewed list, the seed `bots`. #}

{# Joins to the CTE `bots`: by login, and by id, which stays when an account is renamed. #}
{% macro join_bots(login, account_id) -%}
    left join bots
        on lower({{ login }}) = bots.login
    left join bots as bots_by_id
        on {{ account_id }} = bots_by_id.account_id
{%- endmacro %}

{# How we know that an account is a bot; null for a person. After `join_bots`. #}
{% macro bot_evidence(login, account_type) -%}
    case
        when {{ account_type }} = 'Bot' then 'account type'
        when right(lower({{ login }}), 5) = '[bot]' then 'login suffix'
        when coalesce(bots.login, bots_by_id.login) is not null then 'reviewed list'
    end
{%- endmacro %}
