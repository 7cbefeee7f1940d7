"""A service's data in PostgreSQL, through Django's ORM: each wait has a bound.

It needs the extra `postgresql` of this package. Only `settings` is imported without psycopg.

- `settings`: `DatabaseEnvironment`, the variables; `database`, Django's settings of a URL
- `operation`: `operation`, around the statements of one operation; `unlimited` lifts the limits
- `breaker`: `Breaker`, which refuses callers while the database does not answer
- `check`: `PromptCheck`, the question of `/ready`, which does not wait
- `budget`: the connections of all pods, compared with the limit of the database
- `replica`: `Replica`, which says whether a read may go to the read replica
- `connection`: `LimitedConnection`, which the pool makes
"""
