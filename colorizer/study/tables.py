"""The records of a study as database tables. Changes here need a migration in `migrations/versions`."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, DateTime, ForeignKey, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship
from sqlalchemy.types import TypeDecorator


class UtcDateTime(TypeDecorator):
    """Aware times, kept as UTC: SQLite has no time zones."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect) -> datetime | None:
        return value and value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect) -> datetime | None:
        return value and value.replace(tzinfo=UTC)


class Base(DeclarativeBase):
    # SQLite would otherwise give the number of a deleted row to a new one.
    __table_args__ = {"sqlite_autoincrement": True}
    type_annotation_map = {datetime: UtcDateTime, dict[str, Any]: JSON, list[str]: JSON, bytes: LargeBinary}

    id: Mapped[int] = mapped_column(primary_key=True, sort_order=-1)


class Register(Base):
    """One row. admitted: how many participants there have ever been; its lock makes admission one at a time."""

    __tablename__ = "register"

    admitted: Mapped[int] = mapped_column(default=0)


class ConsentText(Base):
    """What participants were told and agreed to, once a version."""

    __tablename__ = "consent_texts"

    version: Mapped[str] = mapped_column(String(10), unique=True)
    title: Mapped[str] = mapped_column(Text)
    information: Mapped[str] = mapped_column(Text)
    consent: Mapped[str] = mapped_column(Text)


class Participant(Base):
    """number: from 1, never given twice. order_row: row of the square. code_hash: sha256 of the code."""

    __tablename__ = "participants"

    number: Mapped[int] = mapped_column(unique=True)
    order_row: Mapped[int]
    code_hash: Mapped[str] = mapped_column(String(64), unique=True)
    text_version: Mapped[str] = mapped_column(ForeignKey("consent_texts.version"))
    protocol_version: Mapped[str] = mapped_column(String(10))
    keep_pictures: Mapped[bool]
    consent_at: Mapped[datetime]
    sus_at: Mapped[datetime | None]
    free_text_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]

    trials: Mapped[list["Trial"]] = relationship(
        back_populates="participant", order_by="Trial.position", passive_deletes=True
    )
    answers: Mapped[list["Answer"]] = relationship(order_by="Answer.id", passive_deletes=True)


class Trial(Base):
    """position: from 0, practice first. label: what the participant sees instead of the condition's name."""

    __tablename__ = "trials"
    __table_args__ = (UniqueConstraint("participant_id", "position"), Base.__table_args__)

    participant_id: Mapped[int] = mapped_column(ForeignKey("participants.id", ondelete="CASCADE"))
    position: Mapped[int]
    practice: Mapped[bool]
    condition: Mapped[str] = mapped_column(Text)
    label: Mapped[str] = mapped_column(Text)
    stimulus: Mapped[str] = mapped_column(Text)
    shown_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]

    participant: Mapped[Participant] = relationship(back_populates="trials")
    tries: Mapped[list["Try"]] = relationship(order_by="Try.id", passive_deletes=True)
    answers: Mapped[list["Answer"]] = relationship(order_by="Answer.id", viewonly=True)


class Try(Base):
    """One generation, or one look at a ready picture. settings: `GenerationSettings.to_dict`, with the edits."""

    __tablename__ = "tries"

    trial_id: Mapped[int] = mapped_column(ForeignKey("trials.id", ondelete="CASCADE"), index=True)
    outcome: Mapped[str] = mapped_column(String(10))
    at: Mapped[datetime]
    seconds: Mapped[float]
    settings: Mapped[dict[str, Any]]
    seed: Mapped[int] = mapped_column(BigInteger)
    checkpoint: Mapped[str] = mapped_column(Text)
    model_hash: Mapped[str] = mapped_column(Text)
    sketch_hash: Mapped[str] = mapped_column(Text)
    reference_hash: Mapped[str] = mapped_column(Text)
    picture_hashes: Mapped[list[str]]

    pictures: Mapped[list["Picture"]] = relationship(order_by="Picture.id", passive_deletes=True)


class Picture(Base):
    """A result, kept only for participants who agreed. sha256: of its pixels, as in `Try.picture_hashes`."""

    __tablename__ = "pictures"

    try_id: Mapped[int] = mapped_column(ForeignKey("tries.id", ondelete="CASCADE"), index=True)
    sha256: Mapped[str] = mapped_column(String(64))
    png: Mapped[bytes]


class Answer(Base):
    """One answer at one time; of several to the same question, the latest counts. value for scales, text for texts."""

    __tablename__ = "answers"

    participant_id: Mapped[int] = mapped_column(ForeignKey("participants.id", ondelete="CASCADE"), index=True)
    trial_id: Mapped[int | None] = mapped_column(ForeignKey("trials.id", ondelete="CASCADE"), index=True)
    try_id: Mapped[int | None] = mapped_column(ForeignKey("tries.id", ondelete="SET NULL"), index=True)
    question: Mapped[str] = mapped_column(Text)
    value: Mapped[int | None]
    text: Mapped[str | None] = mapped_column(Text)
    at: Mapped[datetime]


class Withdrawal(Base):
    """That somebody withdrew, and when; not who."""

    __tablename__ = "withdrawals"

    at: Mapped[datetime]
