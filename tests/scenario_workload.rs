//! Claims about the workload part of a scenario file: kinds within kinds, files that it names, and what is said of mistakes.

use std::path::Path;

use streamgauge::scenario::{Loaded, Source, load};

/// Loads a scenario whose producer holds these lines, from `folder`.
fn loaded_in(folder: &Path, lines: &str) -> Result<Loaded, String> {
    let text = format!(
        "schema = 1\nname = \"w\"\n[time]\nmeasure = \"10s\"\n[streams.orders]\nshards = 4\n[producers.web]\n{lines}\n"
    );
    let path = folder.join("w.toml").display().to_string();
    load(&Source { path, text }, &[]).map_err(|problems| problems.render(false))
}

const REST: &str = "keys = { kind = \"single\" }\nsize = { kind = \"fixed\", bytes = \"100B\" }";

fn with_arrival(folder: &Path, arrival: &str) -> Result<Loaded, String> {
    loaded_in(folder, &format!("arrival = {arrival}\n{REST}"))
}

#[test]
fn every_arrival_loads_and_its_spacing_is_poisson_unless_given() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("rates.csv"), "time,rate\n0,10\n5,20\n").expect("written");
    std::fs::write(folder.path().join("trace.csv"), "time\n1\n2.5\n").expect("written");
    let day = format!("[{}]", vec!["1"; 24].join(", "));
    let weekly = format!(
        r#"{{ kind = "weekly", rate = "100/s", grid = [{}], from_hour = 9, speed_up = 60 }}"#,
        [day.as_str(); 7].join(", ")
    );
    for arrival in [
        r#"{ kind = "ramp", from = "0/s", to = "800/s", over = "5s" }"#,
        r#"{ kind = "steps", steps = [{ rate = "100/s", for = "2s" }, { rate = "0/s", for = "1s" }, { rate = "300/s" }] }"#,
        r#"{ kind = "sine", mean = "100/s", amplitude = 0.5, period = "4s", phase = 0.25 }"#,
        r#"{ kind = "burst", on_rate = "900/s", on = "1s", off = "3s", modulation = "markov" }"#,
        weekly.as_str(),
        r#"{ kind = "profile", file = "rates.csv", interpolation = "linear", speed_up = 2 }"#,
        r#"{ kind = "sequence", parts = [{ arrival = { kind = "constant", rate = "5/s" }, for = "2s" }, { arrival = { kind = "ramp", from = "5/s", to = "9/s", over = "1s" } }] }"#,
        r#"{ kind = "sum", of = [{ kind = "constant", rate = "5/s" }, { kind = "scale", by = 3, of = { kind = "profile", file = "rates.csv" } }] }"#,
        r#"{ kind = "scale", by = 0.5, of = { kind = "poisson", rate = "5/s" } }"#,
    ] {
        let loaded = with_arrival(folder.path(), arrival).unwrap_or_else(|told| panic!("{told}"));
        let spacing = loaded
            .resolved
            .iter()
            .find(|setting| setting.path == "producers.web.arrival.spacing")
            .unwrap_or_else(|| panic!("{arrival} has a spacing"));
        assert_eq!(
            (spacing.value.as_str(), spacing.is_default),
            ("poisson", true)
        );
    }
    let trace = r#"{ kind = "trace", file = "trace.csv", speed_up = 10 }"#;
    with_arrival(folder.path(), trace).unwrap_or_else(|told| panic!("{told}"));
}

#[test]
fn a_mistake_in_an_arrival_is_told_where_it_is_and_what_to_do() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("bad.csv"), "time,rate\n0,10\n1,ten\n").expect("written");
    for (arrival, told) in [
        (
            r#"{ kind = "ramp", from = "0/s", to = "0/s", over = "5s" }"#,
            "the rate never rises above zero",
        ),
        (
            r#"{ kind = "ramp", from = "1/s", to = "5/s", over = "0s" }"#,
            "`over` must be above zero",
        ),
        (
            r#"{ kind = "steps", steps = [] }"#,
            "a list of 0, not a list of at least 1",
        ),
        (
            r#"{ kind = "steps", steps = [{ rate = "1/s" }, { rate = "2/s" }] }"#,
            "`steps` number 1 of 2 needs `for`",
        ),
        (
            r#"{ kind = "steps", steps = [{ rte = "1/s" }] }"#,
            "did you mean `rate`?",
        ),
        (
            r#"{ kind = "weekly", rate = "1/s", grid = [[1, 2]] }"#,
            "a list of 1, not a list of 7",
        ),
        (
            r#"{ kind = "sum", of = [{ kind = "closed", outstanding = 1 }] }"#,
            "must be a rate over time",
        ),
        (
            r#"{ kind = "sum", of = [{ kind = "ramp", from = "1/s", to = "2/s", over = "1s", spacing = "constant" }] }"#,
            "`spacing` stands in the outermost arrival",
        ),
        (
            r#"{ kind = "scale", by = 1000000, of = { kind = "constant", rate = "1M/s" } }"#,
            "more than the most",
        ),
        (
            r#"{ kind = "profile", file = "none.csv" }"#,
            "failed to read `none.csv`",
        ),
        (
            r#"{ kind = "profile", file = "bad.csv" }"#,
            "`bad.csv` line 3: `ten` is not a rate",
        ),
        (
            r#"{ kind = "trace", file = "bad.csv" }"#,
            "`bad.csv` line 1: `time,rate` does not name the columns of a trace",
        ),
    ] {
        let text = with_arrival(folder.path(), arrival).expect_err(arrival);
        assert!(text.contains(told), "{arrival}: {text}");
        assert!(text.contains("w.toml:8"), "{arrival}: {text}");
    }
}
