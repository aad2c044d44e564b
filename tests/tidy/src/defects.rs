//! `docs/concepts/defects.md`: what it says is tested is tested.

use crate::repository::{assert_none, files_of, read};

#[test]
fn every_defect_has_the_tests_that_the_page_names() {
    let sources: String = files_of(&["rs"]).iter().map(read).collect();
    let page = read("docs/concepts/defects.md");
    let rows: Vec<_> = page.lines().filter(|line| line.starts_with("| ") && line.ends_with('|')).skip(2).collect();
    assert_eq!(rows.len(), 15, "the reference has fifteen defects");
    let mut problems = vec![];
    for row in rows {
        let named: Vec<_> = row.rsplit('|').nth(1).unwrap_or_default().split('`').skip(1).step_by(2).collect();
        if named.is_empty() {
            problems.push(format!("no test in `{row}`"));
        }
        let lost = named.into_iter().filter(|name| !sources.contains(&format!("fn {name}(")));
        problems.extend(lost.map(|name| format!("no test is called `{name}`")));
    }
    assert_none("docs/concepts/defects.md names tests that exist", &problems);
}
