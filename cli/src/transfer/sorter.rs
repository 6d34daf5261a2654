//! Sorting more records than fit into memory: sorted runs in temporary files, merged as they are read.
//!
//! What two joined know of the same ids is joined by sorting all of it by id, so that no command holds an id in memory
//! for longer than it works on it.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Lines, Seek, Write};
use std::iter::Peekable;
use std::marker::PhantomData;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// How many bytes of records are held in memory before they become a run.
const RUN_BYTES: usize = 4 << 20;
/// What a record takes beside its text.
const OVERHEAD: usize = 48;
/// How many runs are merged at once: each takes an open file and a buffer.
const FAN_IN: usize = 64;
/// How many records of one id are handed over.
const MOST: usize = 1000;
/// How many groups are looked at before a signal is.
const YIELD_EVERY: usize = 256;
/// Sorts before every character of an id, and is escaped in JSON.
const SEPARATOR: char = '\t';

/// Takes records in any order.
#[derive(Debug)]
pub(crate) struct Sorter<R> {
    lines: Vec<String>,
    bytes: usize,
    runs: Vec<File>,
    count: u64,
    record: PhantomData<R>,
}

impl<R> Default for Sorter<R> {
    fn default() -> Self {
        Self { lines: Vec::new(), bytes: 0, runs: Vec::new(), count: 0, record: PhantomData }
    }
}

impl<R: Serialize + DeserializeOwned> Sorter<R> {
    /// Adds a record under an id.
    pub(crate) fn push(&mut self, id: &str, record: &R) -> io::Result<()> {
        let line = format!("{id}{SEPARATOR}{}", serde_json::to_string(record)?);
        self.bytes += line.len() + OVERHEAD;
        self.lines.push(line);
        self.count += 1;
        if self.bytes >= RUN_BYTES { self.spill() } else { Ok(()) }
    }

    /// How many records there are.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// All records, those of one id together, in the byte order of the ids.
    pub(crate) fn groups(mut self) -> io::Result<impl Iterator<Item = io::Result<RecordsOfId<R>>>> {
        self.lines.sort_unstable();
        let mut sources: Vec<Source> = self.runs.drain(..).map(Source::file).collect::<io::Result<_>>()?;
        sources.push(Source::Memory(self.lines.into_iter()));
        Ok(Groups { lines: Merge::new(sources)?.peekable(), record: PhantomData })
    }

    /// Hands all groups to `look`, as [`groups`](Self::groups) will give them.
    pub(crate) async fn look(&mut self, mut look: impl FnMut(RecordsOfId<R>)) -> io::Result<()> {
        if !self.runs.is_empty() && !self.lines.is_empty() {
            self.spill()?;
        }
        self.lines.sort_unstable();
        let runs = self.runs.iter().map(|run| Source::file(run.try_clone()?)).collect::<io::Result<_>>()?;
        let lines = Merge::new(runs)?.chain(self.lines.iter().cloned().map(Ok)).peekable();
        for (n, group) in (Groups { lines, record: PhantomData }).enumerate() {
            look(group?);
            if n.is_multiple_of(YIELD_EVERY) {
                tokio::task::yield_now().await;
            }
        }
        Ok(())
    }

    fn spill(&mut self) -> io::Result<()> {
        let mut lines = std::mem::take(&mut self.lines);
        lines.sort_unstable();
        self.bytes = 0;
        self.runs.push(write_run(lines.into_iter().map(Ok))?);
        if self.runs.len() == FAN_IN {
            let sources = self.runs.drain(..).map(Source::file).collect::<io::Result<_>>()?;
            self.runs.push(write_run(Merge::new(sources)?)?);
        }
        Ok(())
    }
}

fn write_run(lines: impl Iterator<Item = io::Result<String>>) -> io::Result<File> {
    let mut run = BufWriter::new(tempfile::tempfile()?);
    for line in lines {
        writeln!(run, "{}", line?)?;
    }
    run.into_inner().map_err(io::IntoInnerError::into_error)
}

/// A sorted run.
#[derive(Debug)]
enum Source {
    File(Lines<BufReader<File>>),
    Memory(std::vec::IntoIter<String>),
}

impl Source {
    fn file(mut run: File) -> io::Result<Self> {
        run.rewind()?;
        Ok(Self::File(BufReader::with_capacity(64 << 10, run).lines()))
    }

    fn next(&mut self) -> io::Result<Option<String>> {
        match self {
            Self::File(lines) => lines.next().transpose(),
            Self::Memory(lines) => Ok(lines.next()),
        }
    }
}

/// The lines of several runs, in order.
struct Merge {
    sources: Vec<Source>,
    heads: BinaryHeap<Reverse<(String, usize)>>,
}

impl Merge {
    fn new(mut sources: Vec<Source>) -> io::Result<Self> {
        let mut heads = BinaryHeap::new();
        for (n, source) in sources.iter_mut().enumerate() {
            heads.extend(source.next()?.map(|line| Reverse((line, n))));
        }
        Ok(Self { sources, heads })
    }
}

impl Iterator for Merge {
    type Item = io::Result<String>;

    fn next(&mut self) -> Option<Self::Item> {
        let Reverse((line, n)) = self.heads.pop()?;
        match self.sources[n].next() {
            Ok(next) => {
                self.heads.extend(next.map(|line| Reverse((line, n))));
                Some(Ok(line))
            }
            Err(error) => Some(Err(error)),
        }
    }
}

/// The records of one id. Those without one, under the empty id, come in as many groups as it takes.
#[derive(Debug)]
pub(crate) struct RecordsOfId<R> {
    pub(crate) id: String,
    /// In the order of their JSON; no more than [`MOST`].
    pub(crate) records: Vec<R>,
    /// How many others there are.
    pub(crate) more: u64,
}

struct Groups<R, L: Iterator> {
    lines: Peekable<L>,
    record: PhantomData<R>,
}

impl<R: DeserializeOwned, L: Iterator<Item = io::Result<String>>> Iterator for Groups<R, L> {
    type Item = io::Result<RecordsOfId<R>>;

    fn next(&mut self) -> Option<Self::Item> {
        let first = self.lines.next()?;
        Some(first.and_then(|first| self.group(&first)))
    }
}

impl<R: DeserializeOwned, L: Iterator<Item = io::Result<String>>> Groups<R, L> {
    fn group(&mut self, first: &str) -> io::Result<RecordsOfId<R>> {
        let (id, record) = split(first)?;
        let mut records = vec![serde_json::from_str(record)?];
        let same = |line: &io::Result<String>| {
            line.as_ref().is_ok_and(|line| split(line).is_ok_and(|(other, _)| other == id))
        };
        let mut more = 0;
        while records.len() < MOST || !id.is_empty() {
            match self.lines.next_if(same).transpose()? {
                Some(line) if records.len() < MOST => records.push(serde_json::from_str(split(&line)?.1)?),
                Some(_) => more += 1,
                None => break,
            }
        }
        Ok(RecordsOfId { id: id.to_owned(), records, more })
    }
}

fn split(line: &str) -> io::Result<(&str, &str)> {
    line.split_once(SEPARATOR).ok_or_else(|| io::Error::other("a temporary file was changed"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_of_one_id_come_together_however_many_there_are() {
        // Enough for more runs than are merged at once.
        let payload = "x".repeat(6000);
        let mut sorter = Sorter::default();
        let total = 50_000_u64;
        for n in 0..total {
            let id = format!("id-{}", n * 7919 % 20_011);
            sorter.push(&id, &(n, payload.clone())).unwrap();
        }
        assert!(sorter.count() == total && sorter.runs.len() > 1, "{}", sorter.runs.len());
        let (mut last, mut seen) = (String::new(), 0);
        for group in sorter.groups().unwrap() {
            let RecordsOfId { id, records, more: 0 } = group.unwrap() else {
                panic!("so many are not left out")
            };
            assert!(last < id, "{last} {id}");
            assert!(records.iter().all(|(n, _)| format!("id-{}", n * 7919 % 20_011) == id));
            assert!(records.is_sorted_by_key(|(n, _)| n.to_string()));
            seen += records.len() as u64;
            last = id;
        }
        assert_eq!(seen, total);
    }

    #[test]
    fn no_more_than_a_thousand_records_are_held() {
        let mut sorter = Sorter::default();
        for id in ["", "a", "b"] {
            (0..2500).for_each(|n| sorter.push(id, &n).unwrap());
        }
        let groups = sorter.groups().unwrap().map(Result::unwrap);
        let sizes: Vec<_> = groups.map(|group| (group.id, group.records.len(), group.more)).collect();
        let of = |id: &str, held, more| (id.to_owned(), held, more);
        let unnamed = [of("", 1000, 0), of("", 1000, 0), of("", 500, 0)];
        assert_eq!(sizes, [&unnamed[..], &[of("a", 1000, 1500), of("b", 1000, 1500)]].concat());
    }

    #[test]
    fn an_id_that_begins_another_comes_first() {
        let mut sorter = Sorter::default();
        for id in ["a.b", "a", "a-", "B", "", "ab"] {
            sorter.push(id, &()).unwrap();
        }
        let ids: Vec<String> = sorter.groups().unwrap().map(|group| group.unwrap().id).collect();
        assert_eq!(ids, ["", "B", "a", "a-", "a.b", "ab"]);
    }
}
