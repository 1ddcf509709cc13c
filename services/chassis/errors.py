"""The errors of the chassis, one tree; each message says what to do.

GridwardError
  Refused                 the process cannot go on until a person has mended something
    PartitionsDiffer      the broker's partition count is not the one in contracts/topics.py
    TopicNotKept          the broker compacts a topic, or throws away what is old or too much in it
    LogAhead              the log holds numbers that the database does not know: it was put back in time
    LogBroken             the log lost records, or says what no relay can have said
    HalfDone              a rebuild or a new epoch was begun and has not ended
    PlanBroken            rows that a relay has planned are no longer in the outbox: somebody deleted them
    WrongSettings         a setting is missing or cannot be right
    OlderTables           the database's tables are of a version that cannot be brought to this one
    KeyNotKnown           the database seals with a key that this process was not given
  NotOurs                 a service said an event of another service's topic
  OversizedEvent          an event is larger than the log takes
  GroupNotLeft            a consumer group could not be left to be joined anew: the process ends, to be started again
  PositionsMissing        a lane has no row in `positions`
  TooManyDeadLetters      so many events failed that the fault is not in them
  NoSuchDeadLetter        a dead letter was named that is not there
  DeadLetterClosed        the dead letter named was resent or dropped before
  StillFails              a dead letter sent again failed again
  NeverRan                the database has no tables of the service
  DatabaseAway            PostgreSQL does not answer an operator's command
  NoSuchRow               a row of the outbox to be voided is not there
  RelayAtWork             an operator's act needs the service stopped
  NotSignedIn             a request without a valid token (HTTP 401)
  NotAllowed              a request beyond the caller's roles or division (HTTP 403)
"""

from __future__ import annotations


class GridwardError(Exception):
    """Root of what the chassis raises on purpose."""


class Refused(GridwardError):
    """Nothing is done until a person has mended what the message says."""


class PartitionsDiffer(Refused):
    pass


class TopicNotKept(Refused):
    pass


class LogAhead(Refused):
    pass


class LogBroken(Refused):
    pass


class HalfDone(Refused):
    pass


class PlanBroken(Refused):
    pass


class WrongSettings(Refused):
    pass


class OlderTables(Refused):
    pass


class KeyNotKnown(Refused):
    pass


class NotOurs(GridwardError):
    pass


class OversizedEvent(GridwardError):
    pass


class GroupNotLeft(GridwardError):
    pass


class PositionsMissing(GridwardError):
    pass


class TooManyDeadLetters(GridwardError):
    pass


class NoSuchDeadLetter(GridwardError):
    pass


class DeadLetterClosed(GridwardError):
    pass


class StillFails(GridwardError):
    pass


class NeverRan(GridwardError):
    pass


class DatabaseAway(GridwardError):
    pass


class NoSuchRow(GridwardError):
    pass


class RelayAtWork(GridwardError):
    pass


class NotSignedIn(GridwardError):
    pass


class NotAllowed(GridwardError):
    pass
