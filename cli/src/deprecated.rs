//! Names from before 0.1.0, which are taken for one release more. The parser does not know them, so that neither
//! `--help` nor completions offer them.

use std::ffi::OsString;
use std::io::{self, Write};

/// The arguments under the names of today, after a line on standard error for the old name that they had.
pub(crate) fn renamed(arguments: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = arguments.into_iter().collect();
    if let Some((old, new)) = rename(&mut arguments) {
        // Where nobody can read it, the work goes on.
        drop(writeln!(io::stderr(), "warning: `{old}` is deprecated; use `{new}`"));
    }
    arguments
}

/// Puts the new name in the place of an old one, and says which.
fn rename(arguments: &mut Vec<OsString>) -> Option<(&'static str, &'static str)> {
    let option = |name: &str| arguments.iter().skip(2).position(|word| word == name).map(|at| at + 2);
    let (at, old, new) = match arguments.get(1)?.to_str()? {
        "rebuild" => match option("--check") {
            Some(at) => {
                arguments.remove(at);
                (1, "rebuild --check", "check")
            }
            None => (1, "rebuild", "repair"),
        },
        "migrate" => (1, "migrate", "import"),
        "restore-backup" => (1, "restore-backup", "restore"),
        "backup" => (option("--restore")?, "--restore", "--restore-archived"),
        _ => return None,
    };
    arguments[at] = new.into();
    Some((old, new))
}
