//! The everyday commands: what they print, what they leave, and how they end.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::common::{Client, Cloud, Server, examples, program, root};
use crate::proxy::Fault;

/// How a command ended.
struct Run {
    code: Option<i32>,
    out: Vec<u8>,
    messages: String,
}

impl Run {
    /// What it printed; it must have gone well.
    fn text(self) -> String {
        assert_eq!(self.code, Some(0), "{}", self.messages);
        String::from_utf8(self.out).unwrap()
    }

    /// What it printed as JSON lines.
    fn json(self) -> Vec<Value> {
        self.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn assert_ends(&self, code: i32, message: &str) {
        assert_eq!(self.code, Some(code), "{}", self.messages);
        assert!(self.messages.contains(message), "{message:?} in {:?}", self.messages);
    }
}

/// A storage, as commands and servers see it.
struct Place<'a>(&'a [(&'a str, &'a str)]);

impl Place<'_> {
    fn run(&self, arguments: &[&str]) -> Run {
        self.pipe(arguments, b"")
    }

    fn pipe(&self, arguments: &[&str], input: &[u8]) -> Run {
        let mut command = program(self.0);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // A command that reads nothing may have ended already.
        let _ = child.stdin.take().unwrap().write_all(input);
        let output = child.wait_with_output().unwrap();
        let messages = String::from_utf8(output.stderr).unwrap();
        Run { code: output.status.code(), out: output.stdout, messages }
    }
}

fn on_files(check: impl Fn(&Place<'_>, &Path)) {
    let directory = TempDir::new().unwrap();
    let store = directory.path().join("store");
    check(&Place(&[("LOCAL_STORAGE_DIR", store.to_str().unwrap())]), directory.path());
}

fn write(directory: &Path, name: &str, content: impl AsRef<[u8]>) -> String {
    let path = directory.join(name);
    fs::write(&path, content).unwrap();
    path.to_str().unwrap().to_owned()
}

/// Every command, beside a server on the same storage.
fn everyday(place: &Place<'_>, client: &Client) {
    let files: Vec<String> = examples()
        .iter()
        .map(|(name, _)| root().join(format!("examples/{name}.json")).to_str().unwrap().to_owned())
        .collect();
    let saved =
        place.run(&[&["save"], &*files.iter().map(String::as_str).collect::<Vec<_>>()].concat()).text();
    let ids: Vec<&str> = saved.lines().collect();
    assert_eq!(ids.len(), examples().len());
    for ((name, bytes), id) in examples().iter().zip(&ids) {
        let loaded = place.run(&["load", id]);
        assert_eq!((loaded.code, &loaded.out), (Some(0), bytes), "{name}: {}", loaded.messages);
        assert_eq!(&client.get(&format!("/analyses/{id}")).body, bytes, "{name}");
    }
    same_as_the_api(place, client);

    // A document goes through a pipe as it is, and back under another id.
    let piped = place.run(&["load", ids[0]]).out;
    assert_eq!(place.pipe(&["save", "-", "--id", "copy-1"], br#"{"n":1}"#).text(), "copy-1\n");
    let item = &place.pipe(&["save", "-", "--id", ids[0], "--json"], &piped).json()[0];
    let listed = client.get("/analyses?limit=1000").json()["analyses"].clone();
    assert!(listed.as_array().unwrap().contains(item), "{item} in {listed}");

    let gone = place.run(&["delete", "copy-1", "no-such-id", ids[1]]);
    gone.assert_ends(1, "no-such-id: not deleted: there is no analysis `no-such-id`");
    gone.assert_ends(1, "error: 1 of 3 analyses not deleted");
    assert_eq!(gone.out, format!("copy-1\n{}\n", ids[1]).into_bytes());
    assert_eq!(client.get(&format!("/analyses/{}", ids[1])).status, 404);
    place.run(&["load", "copy-1"]).assert_ends(1, "error: there is no analysis `copy-1`");
    same_as_the_api(place, client);
}

/// `list --json` and `stats --json` say what the API says.
fn same_as_the_api(place: &Place<'_>, client: &Client) {
    let listed = client.get("/analyses?limit=1000").json()["analyses"].clone();
    assert_eq!(Value::from(place.run(&["list", "--json", "--all"]).json()), listed);
    let hybrid = client.get("/analyses?implementation=hybrid&from=2020-01").json()["analyses"].clone();
    let filters = ["list", "--json", "--implementation", "hybrid", "--from", "2020-01"];
    assert_eq!(Value::from(place.run(&filters).json()), hybrid);
    let without_time = |mut stats: Value| {
        assert!(stats.as_object_mut().unwrap().remove("as_of").is_some());
        stats
    };
    let stats = place.run(&["stats", "--json"]).json().remove(0);
    assert_eq!(without_time(stats), without_time(client.get("/stats").json()));
}

#[test]
fn every_command_on_files() {
    let directory = TempDir::new().unwrap();
    let server = Server::on_files(directory.path());
    everyday(&Place(&[("LOCAL_STORAGE_DIR", directory.path().to_str().unwrap())]), &server.client());
}

#[test]
fn every_command_on_s3() {
    let cloud = Cloud::start();
    let server = cloud.server();
    let place = Place(&cloud.variables());
    everyday(&place, &server.client());

    place.pipe(&["save", "-", "--id", "v"], br#"{"n":1}"#).text();
    place.pipe(&["save", "-", "--id", "v"], br#"{"n":2}"#).text();
    let versions = server.client().get("/analyses/v/versions").json();
    let first =
        versions["versions"].as_array().unwrap().last().unwrap()["version_id"].as_str().unwrap().to_owned();
    assert_eq!(place.run(&["load", "v", "--version-id", &first]).text(), r#"{"n":1}"#);
    place.run(&["load", "v", "--version-id", "none-such"]).assert_ends(1, "error: there is no version");
}

#[test]
fn an_id_comes_from_the_option_the_document_or_the_name() {
    on_files(|place, directory| {
        let plain = write(directory, "study-1.json", "{}");
        let named = write(directory, "study-2.json", r#"{"request_id":"study-2"}"#);
        let made = place.run(&["save", &plain]).text();
        assert_eq!((made.len(), &made[14..15]), (37, "7"), "{made}");
        assert_eq!(place.run(&["save", &named]).text(), "study-2\n");
        assert_eq!(place.run(&["save", &plain, "--id", "other"]).text(), "other\n");
        assert_eq!(place.run(&["save", "--id-from-name", &plain, &named]).text(), "study-1\nstudy-2\n");

        place.run(&["save", &named, "--id", "other"]).assert_ends(1, "they must be equal");
        place.run(&["save", &plain, "--id", "a/b"]).assert_ends(2, "error: id \"a/b\" contains '/'");
        place.run(&["save", &plain, &named, "--id", "x"]).assert_ends(2, "--id and --if-match are for one");
        place.run(&["save", "-", "-"]).assert_ends(2, "standard input can be read once");
        place.run(&["save", "-", "--id-from-name"]).assert_ends(2, "standard input has no name");
        place.run(&["save", &plain, "--id", "x", "--id-from-name"]).assert_ends(2, "cannot be used with");
        place.run(&["save"]).assert_ends(2, "<FILE>");
    });
}

#[test]
fn refused_documents_are_named_and_the_others_saved() {
    on_files(|place, directory| {
        let good = write(directory, "good.json", "{}");
        let broken = write(directory, "broken.json", "{");
        let wrong = write(directory, "wrong.json", r#"{"status":7}"#);
        let bad_id = write(directory, "bad.json", r#"{"request_id":"a/b"}"#);
        let missing = directory.join("missing.json").to_str().unwrap().to_owned();
        let run = place.run(&["save", "--json", &broken, &good, &wrong, &missing, &bad_id]);
        for message in [
            "broken.json: not saved: ",
            "wrong.json: not saved: field `status`",
            "missing.json: not saved: cannot be read: No such file",
            "bad.json: not saved: id \"a/b\" contains '/'",
            "error: 4 of 5 documents not saved",
        ] {
            run.assert_ends(1, message);
        }
        assert_eq!(String::from_utf8(run.out).unwrap().lines().count(), 1);
        place.run(&["save", &broken]).assert_ends(1, "broken.json: ");
        assert_eq!(place.run(&["stats", "--json"]).json()[0]["total_analyses"], 1);
    });
}

#[test]
fn no_more_than_the_limit_is_read() {
    let directory = TempDir::new().unwrap();
    let variables = [("LOCAL_STORAGE_DIR", directory.path().to_str().unwrap()), ("MAX_DOCUMENT_BYTES", "2")];
    let place = Place(&variables);
    place.pipe(&["save", "-", "--id", "fits"], b"{}").text();
    place.pipe(&["save", "-"], b"{} ").assert_ends(1, "larger than the limit of 2 bytes");
    // It never ends.
    place.run(&["save", "/dev/zero"]).assert_ends(1, "larger than the limit of 2 bytes");
}

#[test]
fn conditions_guard_saves_and_deletes() {
    on_files(|place, _| {
        let save = |content: &str, conditions: &[&str]| {
            place.pipe(&[&["save", "-", "--id", "study-1"], conditions].concat(), content.as_bytes())
        };
        save("{}", &["--if-match", "*"]).assert_ends(1, "study-1");
        save(r#"{"n":1}"#, &["--create"]).text();
        save(r#"{"n":2}"#, &["--create"]).assert_ends(1, "study-1");
        let etag = place.run(&["load", "study-1", "--etag"]).text().trim_end().to_owned();
        assert!(etag.starts_with('"') && etag.ends_with('"'), "{etag}");
        save(r#"{"n":3}"#, &["--if-match", &etag]).text();
        save(r#"{"n":4}"#, &["--if-match", &etag]).assert_ends(1, "study-1");
        save("{}", &["--if-match", "W/\"a\""]).assert_ends(2, "is not an entity tag");
        save("{}", &["--if-match", "*", "--create"]).assert_ends(2, "cannot be used with");
        place.pipe(&["save", "-", "--if-match", "*"], b"{}").assert_ends(1, "a new analysis has no tag");
        assert_eq!(place.run(&["load", "study-1"]).text(), r#"{"n":3}"#);

        place.run(&["delete", "study-1", "--if-match", &etag]).assert_ends(1, "study-1");
        let bare = place.run(&["load", "study-1", "--etag"]).text().trim().trim_matches('"').to_owned();
        assert_eq!(place.run(&["delete", "study-1", "--if-match", &bare]).text(), "study-1\n");
    });
}

#[test]
fn a_file_is_written_whole_or_not_at_all() {
    on_files(|place, directory| {
        let (_, bytes) = &examples()[0];
        place.pipe(&["save", "-", "--id", "study-1"], br#"{"old":true}"#).text();
        let out = directory.join("out.json");
        let output = out.to_str().unwrap();
        assert_eq!(place.run(&["load", "study-1", "--output", output]).text(), "");
        assert_eq!(fs::read(&out).unwrap(), br#"{"old":true}"#);

        // A link and the permissions stay.
        let link = directory.join("link.json");
        std::os::unix::fs::symlink(&out, &link).unwrap();
        fs::set_permissions(&out, fs::Permissions::from_mode(0o640)).unwrap();
        place.pipe(&["save", "-", "--id", "study-2"], bytes).text();
        place.run(&["load", "study-2", "--output", link.to_str().unwrap()]).text();
        assert_eq!(&fs::read(&out).unwrap(), bytes);
        assert!(link.symlink_metadata().unwrap().is_symlink());
        assert_eq!(out.metadata().unwrap().permissions().mode() & 0o777, 0o640);

        place.run(&["load", "no-such-id", "--output", output]).assert_ends(1, "error: there is no analysis");
        assert_eq!(&fs::read(&out).unwrap(), bytes, "a load that fails leaves the file alone");
        let nowhere = directory.join("nowhere/out.json");
        let run = place.run(&["load", "study-1", "--output", nowhere.to_str().unwrap()]);
        run.assert_ends(2, "nowhere/out.json");
        place.run(&["load", "study-1", "-o", "/dev/null"]).text();
        assert!(!Path::new("/dev/null").is_file());
        let left: Vec<_> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left.len(), 3, "no temporary file: {left:?}");
    });
}

/// Both commands open the storage at the same time.
#[test]
fn one_command_pipes_into_another() {
    on_files(|place, _| {
        let (_, bytes) = &examples()[0];
        place.pipe(&["save", "-", "--id", "copy-0"], bytes).text();
        for n in 1..10 {
            let (from, to) = (format!("copy-{}", n - 1), format!("copy-{n}"));
            let mut load = program(place.0).args(["load", &from]).stdout(Stdio::piped()).spawn().unwrap();
            let mut save = program(place.0);
            let output =
                save.args(["save", "-", "--id", &to]).stdin(load.stdout.take().unwrap()).output().unwrap();
            assert!(load.wait().unwrap().success());
            assert_eq!(String::from_utf8(output.stdout).unwrap(), format!("{to}\n"));
        }
        assert_eq!(&place.run(&["load", "copy-9"]).out, bytes);
    });
}

#[test]
fn a_reader_that_leaves_is_no_failure() {
    on_files(|place, _| {
        let large = format!(r#"{{"text":"{}"}}"#, "x".repeat(1 << 20));
        place.pipe(&["save", "-", "--id", "large"], large.as_bytes()).text();
        for arguments in [&["load", "large"][..], &["list"], &["stats"], &["completions", "bash"]] {
            let mut child = program(place.0)
                .args(arguments)
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            drop(child.stdout.take());
            let mut messages = String::new();
            child.stderr.take().unwrap().read_to_string(&mut messages).unwrap();
            assert_eq!((child.wait().unwrap().code(), messages.as_str()), (Some(0), ""), "{arguments:?}");
        }
    });
}

#[test]
fn what_cannot_be_printed_is_a_failure() {
    on_files(|place, _| {
        place.pipe(&["save", "-", "--id", "study-1"], b"{}").text();
        for arguments in [&["load", "study-1"][..], &["list"], &["stats"], &["delete", "study-1"]] {
            let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
            let output =
                program(place.0).args(arguments).stdout(full).stderr(Stdio::piped()).output().unwrap();
            let messages = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(2), "{arguments:?}: {messages}");
            assert!(messages.starts_with("error: cannot print\n  caused by: No space left"), "{messages}");
        }
    });
}

/// Ids and creation times that do not depend on the day of the test.
const FIXED: [(&str, &str); 5] = [
    (
        "018cc251-f400-7000-8000-000000000000",
        r#"{"implementation":"hybrid","status":"success","execution_time":41.83}"#,
    ),
    ("018cc251-f400-7000-8000-000000000001", r#"{"implementation":"hybrid","status":"error"}"#),
    (
        "018d6800-0000-7000-8000-000000000000",
        r#"{"implementation":"openai","status":"success","execution_time":9}"#,
    ),
    ("018d6800-0001-7000-8000-000000000000", r#"{"implementation":"a-rather-long-implementation"}"#),
    ("018e0000-0000-7000-8000-000000000000", r#"{"implementation":"hybrid","status":"success"}"#),
];

fn fixed(place: &Place<'_>) {
    for (id, document) in FIXED {
        assert_eq!(place.pipe(&["save", "-", "--id", id], document.as_bytes()).text(), format!("{id}\n"));
    }
}

#[test]
fn a_list_is_an_aligned_table() {
    on_files(|place, _| {
        let none = place.run(&["list"]);
        none.assert_ends(0, "there are no such analyses");
        assert_eq!(none.out, b"");
        fixed(place);
        let run = place.run(&["list", "--limit", "4"]);
        run.assert_ends(0, "there may be more: --all lists every one, --limit N up to N");
        let expected = "\
CREATED (UTC)        SIZE  SECONDS  IMPLEMENTATION                STATUS   ID
2024-03-02 16:29:43  46 B        -  hybrid                        success  018e0000-0000-7000-8000-000000000000
2024-02-02 04:07:26  49 B        -  a-rather-long-implementation  unknown  018d6800-0001-7000-8000-000000000000
2024-02-02 04:07:26  65 B     9.00  openai                        success  018d6800-0000-7000-8000-000000000000
2024-01-01 00:00:00  69 B    41.83  hybrid                        success  018cc251-f400-7000-8000-000000000000
";
        assert_eq!(run.text(), expected);
        let all = place.run(&["list", "--all"]);
        assert_eq!(all.messages, "");
        assert_eq!(all.text().lines().count(), 1 + FIXED.len());
    });
}

#[test]
fn a_list_is_filtered_as_the_api_filters() {
    on_files(|place, _| {
        fixed(place);
        for (filters, expected) in [
            (&["--implementation", "openai"][..], 1),
            (&["--status", "success"], 3),
            (&["--from", "2024-02"], 3),
            (&["--to", "2024-01"], 2),
            (&["--from", "2024-02", "--to", "2024-02-02T06:08:00+02:00"], 2),
            (&["--status", "success", "--limit", "2"], 2),
        ] {
            let run = place.run(&[&["list", "--json"], filters].concat());
            assert_eq!(run.json().len(), expected, "{filters:?}");
        }
        for (wrong, message) in [
            (&["--from", "yesterday"][..], "error: --from \"yesterday\" is not a time"),
            (&["--from", "2024-02", "--to", "2024-01"], "error: --from lies after `to`"),
            (&["--status", "a b"], "error: --status "),
            (&["--limit", "0"], "invalid value '0'"),
            (&["--all", "--limit", "5"], "cannot be used with"),
        ] {
            place.run(&[&["list"], wrong].concat()).assert_ends(2, message);
        }
    });
}

#[test]
fn a_list_of_thousands_is_complete() {
    on_files(|place, directory| {
        let name = |n: u32| format!("n-{n:04}");
        let files: Vec<String> =
            (0..1203).map(|n| write(directory, &format!("{}.json", name(n)), "{}")).collect();
        let saved = place.run(
            &[&["save", "--id-from-name"], &*files.iter().map(String::as_str).collect::<Vec<_>>()].concat(),
        );
        assert_eq!(saved.text().lines().count(), 1203);
        for (arguments, expected) in [(&["--all"][..], 1203), (&["--limit", "1100"], 1100), (&[], 100)] {
            let listed = place.run(&[&["list", "--json"], arguments].concat()).json();
            let mut ids: Vec<_> = listed.iter().map(|item| item["request_id"].to_string()).collect();
            ids.sort();
            ids.dedup();
            assert_eq!((listed.len(), ids.len()), (expected, expected), "{arguments:?}");
        }
        assert_eq!(place.run(&["list", "--all"]).text().lines().count(), 1204);
    });
}

#[test]
fn totals_are_shown_as_bars() {
    on_files(|place, _| {
        let empty = "Analyses   0\nSize       0 B\nStorage    local\n";
        assert_eq!(place.run(&["stats"]).text(), empty);
        fixed(place);
        let bar = |blocks: usize| "#".repeat(blocks);
        let expected = format!(
            "\
Analyses   5
Size       273 B
Execution  25.41 seconds on average
Oldest     2024-01-01 00:00:00 UTC
Newest     2024-03-02 16:29:43 UTC
Storage    local

By month of creation
2024-01  2  {}
2024-02  2  {}
2024-03  1  {}

By implementation
a-rather-long-implementation  1  {}
hybrid                        3  {}
openai                        1  {}

By status
error    1  {}
success  3  {}
unknown  1  {}
",
            bar(68),
            bar(68),
            bar(34),
            bar(15),
            bar(47),
            bar(15),
            bar(22),
            bar(68),
            bar(22)
        );
        assert_eq!(place.run(&["stats"]).text(), expected);
    });
}

#[test]
fn deletes_are_all_or_nothing_for_bad_ids_only() {
    on_files(|place, _| {
        for id in ["a", "b"] {
            place.pipe(&["save", "-", "--id", id], b"{}").text();
        }
        place.run(&["delete", "a", "b/"]).assert_ends(2, "error: id \"b/\" contains '/'");
        place.run(&["delete", "a", "b", "--if-match", "x"]).assert_ends(2, "--if-match is for one analysis");
        assert_eq!(place.run(&["list", "--json"]).json().len(), 2);
        place.run(&["delete", "c"]).assert_ends(1, "error: there is no analysis `c`");
        assert_eq!(place.run(&["delete", "a", "b", "a"]).text(), "a\nb\n");
        place.run(&["load", "../a"]).assert_ends(2, "error: id \"../a\" contains '/'");
    });
}

#[test]
fn a_storage_that_fails_ends_with_2() {
    let unreachable = [
        ("STORAGE_TYPE", "s3"),
        ("S3_BUCKET_NAME", "analyses"),
        ("S3_ENDPOINT_URL", "http://127.0.0.1:9"),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
    ];
    for arguments in [&["save", "-"][..], &["load", "a"], &["list"], &["stats"], &["delete", "a"], &["cost"]]
    {
        Place(&unreachable).pipe(arguments, b"{}").assert_ends(2, "error: storage is unavailable: ");
        Place(&[("STORAGE_TYPE", "gcs")])
            .run(arguments)
            .assert_ends(2, "error: STORAGE_TYPE=\"gcs\" is not one of");
    }
}

#[test]
fn a_signal_ends_with_2() {
    // An S3 that takes requests and never answers.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let variables = [
        ("STORAGE_TYPE", "s3"),
        ("S3_BUCKET_NAME", "analyses"),
        ("S3_ENDPOINT_URL", endpoint.as_str()),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
    ];
    let child = program(&variables).arg("list").stderr(Stdio::piped()).spawn().unwrap();
    let _connection = listener.accept().unwrap();
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(
        (output.status.code(), String::from_utf8(output.stderr).unwrap().as_str()),
        (Some(2), "error: interrupted\n")
    );
}

#[test]
fn a_signal_waits_for_the_save_under_way() {
    let cloud = Cloud::start();
    let proxy = cloud.proxy();
    // The document is stored when the request for its entry is lost; it is sent again.
    proxy.plan("metadata/index/", 0, &[Fault::Swallow]);
    let others = cloud.variables().into_iter().filter(|(name, _)| *name != "S3_ENDPOINT_URL");
    let variables: Vec<_> = others.chain([("S3_ENDPOINT_URL", proxy.url.as_str())]).collect();
    let directory = TempDir::new().unwrap();
    let [first, second] = ["1.json", "2.json"].map(|name| write(directory.path(), name, "{}"));
    let mut command = program(&variables);
    command.args(["save", &first, &second]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    wait_until(|| proxy.outstanding("metadata/index/") == 0);
    assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    let messages = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{messages}");
    assert!(messages.ends_with("error: interrupted\n"), "{messages}");
    let saved = String::from_utf8(output.stdout).unwrap();
    let listed = Place(&cloud.variables()).run(&["list", "--json"]).json();
    assert_eq!((saved.lines().count(), listed.len()), (1, 1), "{saved}");
    assert_eq!(listed[0]["request_id"], saved.trim_end());
}

fn wait_until(condition: impl Fn() -> bool) {
    for _ in 0..3000 {
        if condition() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("it has not come about in half a minute");
}

#[test]
fn every_shell_gets_its_completions() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = Place(&[]).run(&["completions", shell]).text();
        for word in ["id-from-name", "version-id", "implementation", "start-after"] {
            assert!(script.contains(word), "{word} in the script for {shell}");
        }
    }
    Place(&[]).run(&["completions", "dos"]).assert_ends(2, "invalid value 'dos'");
    // Bash itself completes a command.
    let script = Place(&[]).run(&["completions", "bash"]).text()
        + "COMP_WORDS=(design-analysis li); COMP_CWORD=1; _design__analysis design-analysis li; echo \"${COMPREPLY[@]}\"";
    let output = Command::new("bash").args(["-c", &script]).output().unwrap();
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "list\n",
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn exit_codes_are_in_the_help_and_the_readme() {
    let help = Place(&[]).run(&["--help"]).text();
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    for meaning in ["all is well", "refused or skipped documents, unknown ids", "input or output, a signal"] {
        assert!(help.contains(meaning) && readme.contains(meaning), "{meaning}");
    }
    Place(&[]).run(&[]).assert_ends(2, "Usage: design-analysis");
    Place(&[]).run(&["frobnicate"]).assert_ends(2, "unrecognized subcommand");
}
