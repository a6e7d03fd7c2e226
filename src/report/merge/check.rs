//! Whether parts are of one run, and which are missing.

use super::{MergeError, Part};
use crate::scenario::created::run_id;

/// Holds the parts, sorted by worker, against each other; gives the workers that are not there, from 1.
pub(super) fn check(parts: &[Part]) -> Result<Vec<u32>, MergeError> {
    let Some(first) = parts.first() else {
        return Ok(Vec::new());
    };
    for part in &parts[1..] {
        let differ = |what, left: String, right: String| MergeError::Differ {
            folders: Box::new((first.folder.clone(), part.folder.clone())),
            what,
            left,
            right,
        };
        let (a, b) = (&first.document, &part.document);
        let (mine, its) = (&first.file, &part.file);
        for (what, left, right) in [
            (
                "the version of streamgauge",
                a.instrument.version.clone(),
                b.instrument.version.clone(),
            ),
            (
                "the scenario",
                a.scenario.name.clone(),
                b.scenario.name.clone(),
            ),
            ("the seed", a.seed.to_string(), b.seed.to_string()),
            (
                "the number of workers",
                mine.of.to_string(),
                its.of.to_string(),
            ),
            (
                "the start",
                a.instrument.started.clone(),
                b.instrument.started.clone(),
            ),
            ("the run", run_id(mine.run), run_id(its.run)),
            (
                "the length of the intervals",
                format!("{} ns", mine.interval_ns),
                format!("{} ns", its.interval_ns),
            ),
            (
                "the world",
                a.world.as_str().to_owned(),
                b.world.as_str().to_owned(),
            ),
        ] {
            if left != right {
                return Err(differ(what, left, right));
            }
        }
        if let Some((left, right)) = other_line(&a.scenario.text, &b.scenario.text) {
            return Err(differ("a line of the scenario", left, right));
        }
        if mine.intervals_start_ns != its.intervals_start_ns || mine.start_ns != its.start_ns {
            return Err(differ(
                "the start",
                mine.start_ns.to_string(),
                its.start_ns.to_string(),
            ));
        }
    }
    for pair in parts.windows(2) {
        if pair[0].file.worker == pair[1].file.worker {
            return Err(MergeError::Twice {
                folders: Box::new((pair[0].folder.clone(), pair[1].folder.clone())),
                worker: pair[0].file.worker,
            });
        }
    }
    let there: Vec<_> = parts.iter().map(|part| part.file.worker).collect();
    let all = 1..=first.file.of;
    Ok(all.filter(|worker| !there.contains(worker)).collect())
}

/// The first line that differs, of both.
fn other_line(left: &str, right: &str) -> Option<(String, String)> {
    let shown =
        |line: Option<&str>| line.map_or("nothing".to_owned(), |line| format!("`{}`", line.trim()));
    let (mut left, mut right) = (left.lines(), right.lines());
    loop {
        match (left.next(), right.next()) {
            (None, None) => return None,
            (a, b) if a != b => return Some((shown(a), shown(b))),
            _ => {}
        }
    }
}

/// `worker 2 is`, `workers 2, 3 are`.
pub(super) fn named(missing: &[u32]) -> String {
    let numbers: Vec<_> = missing.iter().map(u32::to_string).collect();
    match missing {
        [_] => format!("worker {} is", numbers[0]),
        _ => format!("workers {} are", numbers.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_that_differs_is_told_and_a_missing_one_too() {
        assert_eq!(other_line("a\nb\n", "a\nb"), None);
        assert_eq!(
            other_line("a\n b", "a\nc"),
            Some(("`b`".into(), "`c`".into()))
        );
        assert_eq!(
            other_line("a", "a\nc"),
            Some(("nothing".into(), "`c`".into()))
        );
    }

    #[test]
    fn missing_workers_are_named() {
        assert_eq!(named(&[2]), "worker 2 is");
        assert_eq!(named(&[2, 5]), "workers 2, 5 are");
    }
}
