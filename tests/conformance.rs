//! Every test that `docs/conformance.md` names is there.

use std::{collections::BTreeSet, fs, path::Path, process::Command};

/// All tests of this program, by its own list.
fn all() -> BTreeSet<String> {
    let program = std::env::current_exe().expect("this program");
    let listed = Command::new(program)
        .arg("--list")
        .output()
        .expect("its list");
    String::from_utf8(listed.stdout)
        .expect("text")
        .lines()
        .filter_map(|line| line.strip_suffix(": test"))
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_test_that_is_named_exists_and_every_row_names_one() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/conformance.md");
    let text = fs::read_to_string(path).expect("the document");
    let tests = all();
    let mut rows = 0;

    for line in text.lines().filter(|line| line.starts_with("| ")) {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let shown_by = cells.last().expect("a cell");
        if cells[0] == "§" || cells[0].starts_with("---") {
            continue;
        }
        rows += 1;
        let named: Vec<&str> = shown_by.split('`').skip(1).step_by(2).collect();
        assert!(!named.is_empty(), "{line}");
        for test in named {
            assert!(tests.contains(test), "there is no test `{test}`: {line}");
        }
        assert!(
            cells[2].contains("kept") || cells[2].starts_with("not "),
            "{line}"
        );
    }

    assert!(rows > 80, "only {rows} rows were read");
}
