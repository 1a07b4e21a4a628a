"""Who acts in the world: people, bots and the owners of repositories."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.chance import Dice, below
from simulator.names import BOTS, owner_login, person_login, person_name

FIRST_PERSON_ID = 1_000_000
FIRST_BOT_ID = 40_000_000
FIRST_OWNER_ID = 60_000_000


@dataclass(frozen=True, slots=True)
class Account:
    """A login with its permanent id; `kind` is User, Bot or Organization."""

    id: int
    login: str
    name: str
    kind: str

    @property
    def email(self) -> str:
        return f"{self.login.replace('[bot]', '-bot')}@example.org"


class People:
    """Everybody, by number; an account is derived when asked for, never stored."""

    def __init__(self, seed: int, repositories: int) -> None:
        self.seed = seed
        people = max(240, repositories * 3)
        # Forks walk through the people in steps of seven.
        self.person_count = people + 1 if people % 7 == 0 else people
        self.owner_count = max(12, repositories // 4)

    def person(self, number: int) -> Account:
        number %= self.person_count
        return Account(
            FIRST_PERSON_ID + number * 13, person_login(number), person_name(number), "User"
        )

    def bot(self, number: int) -> Account:
        number %= len(BOTS)
        return Account(FIRST_BOT_ID + number * 101, BOTS[number], BOTS[number], "Bot")

    def owner(self, number: int) -> Account:
        kind = "User" if number % 4 == 3 else "Organization"
        login = owner_login(number)
        return Account(FIRST_OWNER_ID + number * 17, login, login.capitalize(), kind)

    def member(self, repository: int, rank: int) -> Account:
        """The rank-th regular of a repository."""
        return self.person(below(self.person_count, self.seed, "member", repository, rank))

    def regular(self, repository: int, members: int, dice: Dice) -> Account:
        """Somebody who works on the repository; the first ones much more often than the last."""
        return self.member(repository, int(members * dice.unit() ** 3))

    def visitor(self, dice: Dice) -> Account:
        """Anybody at all."""
        return self.person(dice.below(self.person_count))
