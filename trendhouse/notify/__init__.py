"""Messages to people, by the connections of Airflow."""
