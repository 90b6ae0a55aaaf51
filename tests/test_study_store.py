"""The records of a study, on every database it can have."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from colorizer.errors import UserError
from colorizer.study.database import open_database
from colorizer.study.session import Finished, FreeTextStep, Study, SusStep, TrialStep, Welcome
from colorizer.study.store import Store
from colorizer.study.tables import Answer, Base, Participant, Picture, Trial, Try
from tests.study_fixtures import a_try, take_step


def rows(study):
    """Everything that is stored, table by table."""
    with Session(study.store._engine) as session:
        return {
            table.name: {tuple(map(str, row)) for row in session.execute(select(table))}
            for table in Base.metadata.sorted_tables
        }


def test_migrations_make_the_tables(database):
    engine, _ = open_database(database)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
    engine.dispose()


def test_several_open_a_new_database_at_once(database):
    with ThreadPoolExecutor(6) as pool:
        stores = list(pool.map(lambda _: Store(database), range(6)))
    for store in stores:
        store.close()


def test_the_whole_way(study):
    assert isinstance(study.next_step(None), Welcome)
    code = study.enrol()
    steps = []
    while not isinstance(step := take_step(study, code), Finished):
        steps.append(step)
    assert [type(step) for step in steps] == [TrialStep] * 5 + [SusStep, FreeTextStep]
    assert [(step.place, step.count) for step in steps[:5]] == [(1, 1), (1, 4), (2, 4), (3, 4), (4, 4)]
    assert [step.trial.label for step in steps[:5]] == ["Practice", "A", "A", "B", "B"]
    state = study.store.participant(code)
    assert state.finished
    assert state.answers["text1"] == f"words of {code}"
    with pytest.raises(UserError, match="finished"):
        study.answer_sus(code, "sus1", 2)


def test_the_code_leads_back_to_the_same_trial_with_its_answers(study, study_folder, database):
    code = study.enrol()
    take_step(study, code)
    step = study.next_step(code)
    tried = study.record_try(code, step.trial.id, a_try(step.settings))
    study.rate(code, step.trial.id, "quality", 4)

    again = Study.open(study_folder, database)
    back = again.next_step(code.lower().replace("-", " "))
    again.store.close()
    assert back.trial.id == step.trial.id
    assert (back.trial.answers, back.trial.tries, back.trial.last_try) == ({"quality": 4}, 1, tried)


def test_every_change_of_mind_is_kept_and_the_latest_counts(study):
    code = study.enrol()
    step = study.next_step(code)
    for value in (2, 5, 3):
        study.rate(code, step.trial.id, "quality", value)
    assert study.next_step(code).trial.answers == {"quality": 3}
    with Session(study.store._engine) as session:
        kept = session.scalars(select(Answer).order_by(Answer.id)).all()
    assert [answer.value for answer in kept] == [2, 5, 3]
    assert kept[0].at <= kept[1].at <= kept[2].at


def test_a_rating_belongs_to_the_newest_try_or_the_one_that_is_named(study):
    code = study.enrol()
    step = study.next_step(code)
    study.rate(code, step.trial.id, "usability", 1)
    first, second = (study.record_try(code, step.trial.id, a_try(step.settings)) for _ in range(2))
    study.rate(code, step.trial.id, "quality", 2)
    study.rate(code, step.trial.id, "similarity", 2, try_id=first)
    with pytest.raises(UserError, match="not of this trial"):
        study.rate(code, step.trial.id, "similarity", 2, try_id=second + 1)
    with Session(study.store._engine) as session:
        about = dict(session.execute(select(Answer.question, Answer.try_id)).all())
    assert about == {"usability": None, "quality": second, "similarity": first}


def test_nothing_can_be_skipped(study):
    code = study.enrol()
    step = study.next_step(code)
    with pytest.raises(UserError, match="Quality, Similarity, Usability"):
        study.finish_trial(code, step.trial.id)
    study.rate(code, step.trial.id, "quality", 3)
    with pytest.raises(UserError, match="answer Similarity, Usability"):
        study.finish_trial(code, step.trial.id)
    for question in ("similarity", "usability"):
        study.rate(code, step.trial.id, question, 3)
    with pytest.raises(UserError, match="no picture yet"):
        study.finish_trial(code, step.trial.id)
    later = study.store.participant(code).trials[1]
    with pytest.raises(UserError, match="not the current one"):
        study.rate(code, later.id, "quality", 3)
    with pytest.raises(UserError, match="statement 1, 2, 3"):
        study.finish_sus(code)


@pytest.mark.parametrize("value", [0, 6, 2.0, "3", True, None])
def test_answers_off_the_scale(study, value):
    code = study.enrol()
    with pytest.raises(UserError, match="from 1 to 5"):
        study.rate(code, study.next_step(code).trial.id, "quality", value)


def test_a_second_click_finishes_one_trial(study):
    code = study.enrol()
    step = take_step(study, code)
    study.finish_trial(code, step.trial.id)
    assert study.next_step(code).trial.position == 1


def test_participants_at_once_get_numbers_of_their_own_and_balanced_orders(study):
    with ThreadPoolExecutor(8) as pool:
        codes = list(pool.map(lambda _: study.enrol(), range(12)))
    states = [study.store.participant(code) for code in codes]
    assert sorted(state.number for state in states) == list(range(1, 13))
    firsts = [state.trials[1].condition for state in states]
    assert firsts.count("weak") == firsts.count("strong") == 6


def test_participants_at_once_get_through(study):
    def take_part(_):
        code = study.enrol()
        while not isinstance(take_step(study, code), Finished):
            pass
        return code

    with ThreadPoolExecutor(4) as pool:
        codes = list(pool.map(take_part, range(4)))
    for code in codes:
        state = study.store.participant(code)
        assert state.answers["text1"] == f"words of {code}"
        assert all(trial.tries == 1 and trial.answers["quality"] == 3 for trial in state.trials)


def test_withdrawing_deletes_all_of_one_participant_and_nothing_else(study):
    stays = study.enrol(keep_pictures=True)
    while not isinstance(take_step(study, stays), Finished):
        pass
    before = rows(study)
    goes = study.enrol(keep_pictures=True)
    for _ in range(4):
        take_step(study, goes)
    assert all(len(rows(study)[name]) > len(before[name]) for name in ("participants", "trials", "tries", "pictures"))

    study.withdraw(goes)
    after = rows(study)
    assert len(after.pop("withdrawals")) == 1
    before.pop("withdrawals")
    assert after.pop("register") != before.pop("register")
    assert after == before
    with pytest.raises(UserError, match="not known"):
        study.next_step(goes)
    assert isinstance(study.next_step(stays), Finished)


def test_the_next_participant_takes_the_order_of_one_who_withdrew(study):
    first, second = study.enrol(), study.enrol()
    order = [trial.condition for trial in study.store.participant(first).trials]
    study.withdraw(first)
    third = study.store.participant(study.enrol())
    assert third.number == 3
    assert [trial.condition for trial in third.trials] == order
    assert [trial.condition for trial in study.store.participant(second).trials] != order


def test_pictures_are_kept_with_consent_only(study):
    for agreed in (False, True):
        code = study.enrol(keep_pictures=agreed)
        step = study.next_step(code)
        study.record_try(code, step.trial.id, a_try(step.settings, pictures=(b"agreed" if agreed else b"not",)))
    with Session(study.store._engine) as session:
        assert session.scalars(select(Picture.png)).all() == [b"agreed"]
        assert session.scalars(select(Try.picture_hashes)).all() == [["7" * 64]] * 2


def test_a_try_is_stored_in_full(study):
    code = study.enrol()
    take_step(study, code)
    step = study.next_step(code)
    settings = step.settings.evolve(seed=2**32 - 1)
    study.record_try(code, step.trial.id, a_try(settings, outcome="stopped"))
    with Session(study.store._engine) as session:
        made = session.scalars(select(Try).order_by(Try.id)).all()[-1]
    assert (made.settings, made.seed, made.outcome, made.seconds) == (settings.to_dict(), 2**32 - 1, "stopped", 0.5)


def test_codes_are_not_stored(study):
    code = study.enrol()
    everything = str(rows(study))
    assert code not in everything and code.replace("-", "") not in everything


def test_the_database_refuses_records_of_nobody(study):
    with Session(study.store._writing_engine) as session, pytest.raises(IntegrityError):
        session.add(Trial(participant_id=99, position=0, practice=False, condition="", label="", stimulus=""))
        session.commit()


def test_consent_and_texts_are_on_record(study):
    study.enrol()
    study.enrol()
    with Session(study.store._engine) as session:
        versions = session.scalars(select(Participant.text_version)).all()
        texts = session.execute(text("SELECT version, consent FROM consent_texts")).all()
    assert versions == [study.protocol.text_version] * 2
    assert texts == [(study.protocol.text_version, "I agree.")]
