//! The last stage of a Dockerfile.

use std::collections::BTreeMap;
use std::fs;

use crate::harness::root;

/// What an image says about the containers that run it.
#[derive(Debug, Default)]
pub(super) struct Image {
    pub(super) base: String,
    pub(super) environment: BTreeMap<String, String>,
    pub(super) user: String,
    pub(super) port: u16,
    pub(super) stop_signal: String,
    pub(super) entrypoint: Vec<String>,
    pub(super) command: Vec<String>,
    pub(super) health: Vec<String>,
    /// Where the files of `COPY` end.
    pub(super) copied: Vec<String>,
    /// Every `FROM`.
    pub(super) bases: Vec<String>,
    /// The defaults of `ARG`.
    pub(super) arguments: BTreeMap<String, String>,
}

impl Image {
    pub(super) fn read() -> Self {
        let text = fs::read_to_string(root().join("deploy/docker/Dockerfile")).unwrap();
        let lines = text.lines().filter(|line| !line.trim_start().starts_with('#')).collect::<Vec<_>>();
        let mut image = Self::default();
        for instruction in lines.join("\n").replace("\\\n", " ").lines() {
            if let Some((name, rest)) = instruction.split_once(' ') {
                image.add(name, rest.trim());
            }
        }
        image
    }

    fn add(&mut self, name: &str, rest: &str) {
        match name {
            "FROM" => {
                let bases = std::mem::take(&mut self.bases);
                let base = rest.split(' ').next().unwrap().to_owned();
                *self = Self { bases: [bases, vec![base.clone()]].concat(), base, ..Self::default() };
            }
            "ENV" => self.environment.extend(rest.split_whitespace().map(pair)),
            "ARG" => self.arguments.extend(rest.split_once('=').map(|(n, v)| (n.into(), v.into()))),
            "USER" => rest.clone_into(&mut self.user),
            "EXPOSE" => self.port = rest.parse().unwrap(),
            "STOPSIGNAL" => rest.clone_into(&mut self.stop_signal),
            "ENTRYPOINT" => self.entrypoint = words(rest),
            "CMD" => self.command = words(rest),
            "HEALTHCHECK" => self.health = words(rest.split_once("CMD").unwrap().1),
            "COPY" => self.copied.push(rest.rsplit(' ').next().unwrap().to_owned()),
            _ => {}
        }
    }
}

fn pair(assignment: &str) -> (String, String) {
    let (name, value) = assignment.split_once('=').unwrap();
    (name.into(), value.into())
}

fn words(json: &str) -> Vec<String> {
    serde_json::from_str(json.trim()).unwrap_or_else(|e| panic!("{json} is not in the exec form: {e}"))
}
