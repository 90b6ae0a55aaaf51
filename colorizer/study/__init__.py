"""Studies with people: run, rate, report. A study is a folder with a `study.toml`; its records are in a database."""
