//! What people say before several analyses are deleted: a yes to ids that they have given, and the number of those that
//! a filter has selected.

use std::io::{self, BufRead, IsTerminal, Write};

use crate::command::CommandError;
use crate::human;

/// What `--yes` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Yes {
    /// That nothing is to be asked.
    Unasked,
    /// That there are so many.
    Count(u64),
}

/// Reads the value of `--yes`, which may have none.
pub(super) fn parse(text: &str) -> Result<Yes, String> {
    match text {
        "" => Ok(Yes::Unasked),
        count if count.bytes().all(|byte| byte.is_ascii_digit()) => {
            count.parse().map(Yes::Count).map_err(|error| error.to_string())
        }
        _ => Err(format!("{text:?} is no number of analyses")),
    }
}

/// Ends the command unless these analyses, whose ids were given, are to be deleted.
pub(super) fn named(yes: Option<Yes>, analyses: u64) -> Result<(), CommandError> {
    match yes {
        Some(Yes::Count(count)) => expect(count, analyses),
        None if analyses > 1 && io::stdin().is_terminal() => {
            let question = format!("Delete {} analyses? [y/N] ", human::count(analyses));
            let answer = ask(&question, &mut io::stdin().lock())?;
            if is_yes(&answer) { Ok(()) } else { Err(nothing_deleted()) }
        }
        None | Some(Yes::Unasked) => Ok(()),
    }
}

/// Ends the command unless these analyses, which a filter has selected, are to be deleted. `what` names them.
pub(super) fn selected(yes: Option<Yes>, analyses: u64, what: &str) -> Result<(), CommandError> {
    match yes {
        Some(Yes::Count(count)) => expect(count, analyses),
        None if io::stdin().is_terminal() => {
            let question = format!("Delete {what}? Type the number of analyses to go on: ");
            let answer = ask(&question, &mut io::stdin().lock())?;
            if is_count(&answer, analyses) { Ok(()) } else { Err(nothing_deleted()) }
        }
        None | Some(Yes::Unasked) => {
            let text =
                format!("the options select {what}; nothing was deleted, and --yes={analyses} deletes them");
            Err(CommandError::Usage(text))
        }
    }
}

fn expect(count: u64, analyses: u64) -> Result<(), CommandError> {
    if count == analyses {
        return Ok(());
    }
    let text = format!("--yes={count}, but there are {analyses} analyses to delete: nothing was deleted");
    Err(CommandError::Usage(text))
}

fn nothing_deleted() -> CommandError {
    CommandError::Usage("nothing was deleted".to_owned())
}

fn ask(question: &str, answers: &mut impl BufRead) -> Result<String, CommandError> {
    let mut ask = || -> io::Result<String> {
        let mut terminal = io::stderr();
        write!(terminal, "{question}")?;
        terminal.flush()?;
        let mut answer = String::new();
        answers.read_line(&mut answer)?;
        Ok(answer)
    };
    ask().map_err(CommandError::Output)
}

fn is_yes(answer: &str) -> bool {
    matches!(answer.trim(), "y" | "Y" | "yes")
}

/// As `1234`, or as it was shown: `1,234`.
fn is_count(answer: &str, analyses: u64) -> bool {
    let answer = answer.trim();
    answer == analyses.to_string() || answer == human::count(analyses)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_yes_confirms() {
        for (answer, confirmed) in
            [("y\n", true), ("Y\n", true), ("yes", true), ("\n", false), ("", false), ("n\n", false)]
        {
            assert_eq!(is_yes(&ask("?", &mut answer.as_bytes()).unwrap()), confirmed, "{answer:?}");
        }
    }

    #[test]
    fn only_the_number_confirms_what_was_selected() {
        for (answer, confirmed) in [
            ("1234\n", true),
            (" 1,234\n", true),
            ("y\n", false),
            ("", false),
            ("123\n", false),
            ("12345", false),
        ] {
            assert_eq!(is_count(answer, 1234), confirmed, "{answer:?}");
        }
    }

    #[test]
    fn yes_has_a_count_or_none() {
        assert_eq!((parse(""), parse("12")), (Ok(Yes::Unasked), Ok(Yes::Count(12))));
        for text in ["y", "-1", "+1", "1.5", "99999999999999999999"] {
            assert!(parse(text).is_err(), "{text}");
        }
        expect(2, 2).unwrap();
        let error = expect(2, 3).unwrap_err().to_string();
        assert_eq!(error, "--yes=2, but there are 3 analyses to delete: nothing was deleted");
    }
}
