"""The study file: what is refused and how it is told, the example, and the command line."""

import io
import json

import pytest

from colorizer.cli import main
from colorizer.errors import UserError
from colorizer.manipulation.edit import Edit
from colorizer.study.check import findings
from colorizer.study.password import is_hash
from colorizer.study.protocol import QUESTIONS, load_protocol
from colorizer.study.session import Study, TrialStep, plan
from tests.study_fixtures import STUDY, take_step, write_study


def test_what_is_left_out_takes_its_default(study_folder):
    protocol = load_protocol(study_folder)
    assert protocol.questions == QUESTIONS
    assert [question.label for question in QUESTIONS] == ["Quality", "Similarity", "Usability", "Controllability"]
    assert (protocol.points, protocol.controls, protocol.results, protocol.sus) == (5, "sliders", "generated", True)


def test_a_trial_starts_from_its_condition_and_stimulus(study_folder):
    protocol = load_protocol(study_folder)
    settings = protocol.settings_of(protocol.conditions[1], protocol.stimuli[1])
    assert (settings.guidance_scale, settings.edits) == (3.0, (Edit("green"),))
    asked = [[question.key for question in protocol.questions_of(stimulus)] for stimulus in protocol.stimuli]
    assert asked == [["quality", "similarity", "usability"], ["quality", "similarity", "usability", "controllability"]]


REPLACEMENTS = {
    'title = "Two settings"': [
        ("", "title: it is missing"),
        ("title = 5", "title: .*string"),
        ('title = " "', "title: it is empty"),
        ('title = "a"\npoints = 6', "points: .*5 or 7"),
        ('title = "a"\npoints = "5"', "points: "),
        ('title = "a"\nsus = "yes"', "sus: .*boolean"),
        ('title = "a"\ncolour = 1', "colour: there is no such key"),
        ('title = "a"\nfolder = "x"', "folder: there is no such key"),
        ('title = "a"\ncontrols = "all"', "controls: .*'fixed', 'sliders' or 'full'"),
        ('title = "a"\nresults = "shown"', 'controls: .*write controls = "fixed"'),
        ('title = "a"\nresults = "shown"\ncontrols = "fixed"', r"conditions\[1\].results: it is missing"),
        ('title = "a"\norganiser_password = "plain"', "organiser_password: .*study password"),
        ('title = "a', "no valid TOML"),
        ('title = "a"\nconditions = []', "conditions"),
    ],
    'name = "strong"': [
        ('name = "weak"', "conditions: 'weak' is there twice"),
        ('name = "../strong"', r"conditions\[2\].name: use letters"),
        ("", r"conditions\[2\].name: it is missing"),
    ],
    "guidance_scale = 3.0": [
        ("guidance_scale = 300", r"conditions\[2\].settings: guidance_scale is 300; it must be"),
        ("guidance = 3", r"conditions\[2\].settings: Unknown settings: guidance"),
    ],
    'edits = ["target=green"]': [
        ('edits = ["green"]', r"stimuli\[2\].edits: .*key=value"),
        ('condition = "weak"', r"stimuli\[2\].condition: .*every stimulus meets every condition"),
    ],
    '[[practice]]\nname = "first"': [
        ('[[practice]]\nname = "first"\ncondition = "none"', "no condition 'none'"),
        ('[[questions]]\nkey = "Upper"', r"questions\[1\].key: "),
    ],
}


@pytest.mark.parametrize(
    "old, new, told", [(old, new, told) for old, changes in REPLACEMENTS.items() for new, told in changes]
)
def test_wrong_files_are_told_by_their_key(tmp_path, old, new, told):
    assert old in STUDY
    folder = write_study(tmp_path / "wrong", STUDY.replace(old, new, 1))
    with pytest.raises(UserError, match=told) as error:
        load_protocol(folder)
    assert str(folder / "study.toml") in str(error.value)


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"\x00", b"[" * 5000, b"a = 1\n" * 300_000])
def test_files_that_are_no_text(tmp_path, content):
    (tmp_path / "study.toml").write_bytes(content)
    with pytest.raises(UserError, match="study.toml"):
        load_protocol(tmp_path)


def test_versions_follow_what_participants_see(tmp_path):
    first = load_protocol(write_study(tmp_path / "a"))
    same = load_protocol(write_study(tmp_path / "b", database='"sqlite:///elsewhere.sqlite"'))
    other_text = load_protocol(write_study(tmp_path / "c", STUDY.replace("I agree.", "I agree!")))
    other_scale = load_protocol(write_study(tmp_path / "d", points=7))
    assert (same.version, same.text_version) == (first.version, first.text_version)
    assert other_text.text_version != first.text_version
    assert other_scale.text_version == first.text_version and other_scale.version != first.version


def test_what_is_missing_beside_the_file(study_folder, tiny_checkpoint, tmp_path, monkeypatch):
    told = findings(load_protocol(study_folder))
    assert len(told) == 2 and all("checkpoint" in line for line in told)
    (study_folder / "tiny.safetensors").write_bytes(tiny_checkpoint.read_bytes())
    assert findings(load_protocol(study_folder)) == []
    monkeypatch.setenv("STUDY_PASSWORD", "short")
    assert "at least 8" in " ".join(findings(load_protocol(study_folder)))
    monkeypatch.delenv("STUDY_PASSWORD")
    (study_folder / "sketch.png").write_bytes(b"no picture")
    (study_folder / "reference.png").unlink()
    told = " ".join(findings(load_protocol(study_folder)))
    assert "stimuli 'square': sketch" in told and "there is no file" in told


def test_shown_results_need_a_picture_for_each_stimulus(tmp_path):
    text = STUDY.replace('checkpoint = "tiny.safetensors"', 'results = "ready"')
    folder = write_study(tmp_path / "shown", text, results='"shown"', controls='"fixed"')
    (folder / "ready").mkdir()
    for name in ("square", "square in green"):
        (folder / "ready" / f"{name}.png").write_bytes((folder / "sketch.png").read_bytes())
    (told,) = {line.partition(": results: ")[2] for line in findings(load_protocol(folder))}
    assert told.startswith("there is no file") and told.endswith("first.png.")


def test_every_participant_meets_everything_once(study_folder):
    protocol = load_protocol(study_folder)
    everything = {(c.name, s.name) for c in protocol.conditions for s in protocol.stimuli}
    for number in range(1, 9):
        trials = plan(protocol, number, (number - 1) % 2)
        assert [trial.practice for trial in trials] == [True] + [False] * 4
        rated = [(trial.condition, trial.stimulus) for trial in trials[1:]]
        assert len(rated) == len(set(rated)) and set(rated) == everything
        assert len({(trial.condition, trial.label) for trial in trials[1:]}) == 2


def test_a_study_that_lost_a_condition_says_so(study_folder):
    study = Study.open(study_folder)
    code = study.enrol()
    take_step(study, code)
    study.close()
    text = STUDY.replace('"weak"', '"x"').replace('"strong"', '"y"')
    changed = Study.open(write_study(study_folder, text))
    with pytest.raises(UserError, match="no condition 'weak'"):
        changed.next_step(code)
    changed.close()


def test_the_example_runs_as_it_is(tmp_path, capsys):
    assert main(["study", "init", str(tmp_path / "new")]) == 0
    assert main(["study", "check", str(tmp_path / "new")]) == 0
    assert "Everything is there." in capsys.readouterr().out
    study = Study.open(tmp_path / "new")
    assert study.protocol.questions == QUESTIONS
    code = study.enrol()
    assert isinstance(study.next_step(code), TrialStep)
    study.close()
    assert main(["study", "init", str(tmp_path / "new")]) == 2
    assert "choose another folder" in capsys.readouterr().err


def test_report_and_export_on_the_command_line(study_folder, tmp_path, capsys):
    database = f"sqlite:///{tmp_path / 'elsewhere.sqlite'}"
    study = Study.open(study_folder, database)
    take_step(study, code := study.enrol())
    take_step(study, code)
    study.close()
    assert main(["study", "report", str(study_folder), "--study-db", database]) == 0
    assert (study_folder / "report.html").is_file()
    assert "Participants: 1, of whom 0 finished" in capsys.readouterr().out
    out = tmp_path / "out"
    assert main(["study", "export", str(study_folder), "--study-db", database, "--out", str(out)]) == 0
    assert (out / "ratings.csv").is_file()
    assert main(["study", "report", str(study_folder), "--out", "x.doc"]) == 2
    assert main(["study", "check", str(tmp_path / "nowhere")]) == 2
    assert "study init" in capsys.readouterr().err


def test_the_password_command_prints_a_line_for_the_file(monkeypatch, capsys):
    monkeypatch.setattr("sys.stdin", io.StringIO("long and secret\n"))
    assert main(["study", "password"]) == 0
    key, _, value = capsys.readouterr().out.partition(" = ")
    assert key == "organiser_password" and is_hash(json.loads(value))
