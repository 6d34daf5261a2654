//! Standard input in the place of arguments: `-` stands for it.

use std::io::{self, BufRead};
use std::path::PathBuf;

/// Whether an argument is standard input or standard output.
pub(crate) fn is_dash(argument: impl AsRef<std::ffi::OsStr>) -> bool {
    argument.as_ref() == "-"
}

/// These ids; `-` stands for those that standard input has, one a line.
pub(crate) fn ids(arguments: &[String]) -> Result<Vec<String>, String> {
    ids_from(arguments, &mut io::stdin().lock())
}

/// The id of an argument for one; `-` stands for the only line of standard input.
pub(crate) fn one_id(argument: &str) -> Result<String, String> {
    match &ids(&[argument.to_owned()])?[..] {
        [id] => Ok(id.clone()),
        lines => Err(format!("standard input has {} ids, and one is needed", lines.len())),
    }
}

fn ids_from(arguments: &[String], input: &mut impl BufRead) -> Result<Vec<String>, String> {
    if arguments.iter().filter(|argument| is_dash(argument)).count() > 1 {
        return Err("standard input can be read once; give - once".to_owned());
    }
    let mut ids = Vec::new();
    for argument in arguments {
        if !is_dash(argument) {
            ids.push(argument.clone());
            continue;
        }
        for line in input.lines() {
            let line = line.map_err(|error| format!("cannot read ids from standard input: {error}"))?;
            let id = line.trim();
            if !id.is_empty() {
                ids.push(id.to_owned());
            }
        }
    }
    Ok(ids)
}

/// A directory of the command line. `-` is none: whoever means a directory of that name says so.
pub(crate) fn directory(text: &str) -> Result<PathBuf, String> {
    if is_dash(text) {
        return Err("standard input and output are no directory; ./- is one that is called so".to_owned());
    }
    Ok(text.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(arguments: &[&str], input: &[u8]) -> Result<Vec<String>, String> {
        let arguments: Vec<String> = arguments.iter().map(|&argument| argument.to_owned()).collect();
        ids_from(&arguments, &mut &*input)
    }

    #[test]
    fn a_dash_stands_for_the_lines_of_the_input() {
        assert_eq!(read(&["a", "-", "z"], b"b\r\n\n c \n-\nd").unwrap(), ["a", "b", "c", "-", "d", "z"]);
        assert_eq!(read(&["a"], b"b\n").unwrap(), ["a"]);
        assert_eq!(read(&["-"], b"").unwrap(), [""; 0]);
        assert!(read(&["-", "-"], b"b\n").unwrap_err().contains("give - once"));
        assert!(read(&["-"], b"\xff\n").unwrap_err().contains("cannot read ids"));
    }
}
