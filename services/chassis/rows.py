"""Row security: a person's request runs as a role that owns no table, and PostgreSQL shows it the caller's rows alone.

The role belongs to the login: `<login>_caller`. What it may do stands beside each table: `let_do` in each schema.sql.
ENABLE, not FORCE: FORCE would bind the owner, which is the service's own work, its COPY and its login's pg_dump.
"""

from __future__ import annotations

from importlib.resources import files

import asyncpg

from services.chassis.errors import WrongSettings

SQL = files("services.chassis").joinpath("rows.sql").read_text()

# Roles are of the whole cluster: another database's service may be making the same one.
_MAKE_ROLE = """
do $$
declare
    caller text := current_user || '_caller';
begin
    if not exists (select from pg_roles where rolname = caller) then
        begin
            execute format('create role %I nologin', caller);
        exception when duplicate_object or unique_violation then null;
        end;
    end if;
    if not pg_has_role(current_user, caller, 'SET') then
        begin
            execute format('grant %I to current_user', caller);
        exception when unique_violation then null;
        end;
    end if;
end $$"""
_LOOK_AT_ROLE = """
select current_user as login, length(caller) as length,
       coalesce(bool_or(r.rolsuper or r.rolbypassrls or pg_has_role(r.oid, current_user::regrole, 'MEMBER')), false)
           as sees_all
  from (values (current_user || '_caller')) made (caller) left join pg_roles r on r.rolname = caller group by caller"""
_LONGEST_NAME = 63


async def make_role(tx: asyncpg.Connection) -> None:
    """The role of callers, where it is missing. Raises WrongSettings, which says what a DBA has to run."""
    login, length, sees_all = await tx.fetchrow(_LOOK_AT_ROLE)
    if length > _LONGEST_NAME:
        raise WrongSettings(f"the login {login!r} is too long to name a role after: use one of 56 letters or fewer")
    if sees_all:
        raise WrongSettings(
            f'the role "{login}_caller" may see everything, and requests of people run as it: let somebody who may '
            f'run `alter role "{login}_caller" nosuperuser nobypassrls`, and `revoke "{login}" from "{login}_caller"`'
        )
    try:
        async with tx.transaction():
            await tx.execute(_MAKE_ROLE)
    except asyncpg.InsufficientPrivilegeError as error:
        raise WrongSettings(
            f"requests of people run as a role of their own, and the login {login!r} may not make it ({error}): let "
            f'somebody who may run `create role "{login}_caller" nologin; grant "{login}_caller" to "{login}"`'
        ) from None
