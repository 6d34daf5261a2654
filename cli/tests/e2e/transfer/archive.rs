//! Documents in an archive storage class.

use tempfile::TempDir;

use super::{run, text};
use crate::harness::Cloud;

#[test]
fn archived_documents_are_reported_or_restored_and_waited_for() {
    let cloud = Cloud::start();
    let server = cloud.server();
    let client = server.client();
    for id in ["cold", "warm"] {
        assert_eq!(client.put(id, format!("{{\"n\":\"{id}\"}}").as_bytes()).status, 201);
    }
    cloud.archive(&cloud.document_key("cold"));
    let directory = TempDir::new().unwrap();
    let backup = text(directory.path());
    let ran = run(&cloud.variables(), &["backup", "--to", backup]);
    ran.assert_found(&["archived cold"]);
    assert_eq!(ran.totals()["copied"], 1);
    let verify = ["verify", "--against", backup];
    run(&cloud.variables(), &verify).assert_found(&["only_in_store cold"]);

    let arguments =
        ["backup", "--to", backup, "--restore-archived", "--restore-days", "2", "--restore-tier", "bulk"];
    run(&cloud.variables(), &arguments).assert_well(&[("copied", 1), ("unchanged", 1)]);
    run(&cloud.variables(), &verify).assert_well(&[("equal", 2)]);
}
