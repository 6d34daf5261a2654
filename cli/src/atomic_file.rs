//! Files that take their place whole or not at all.
//!
//! Every file that commands write goes through here. The files of a store do not: `LocalBucket` also gives them the time
//! of their save, and refuses to replace some of them.

use std::fs::{File, Permissions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tempfile::NamedTempFile;

/// A file whose content the disk has, and which is in no place yet. Dropped, it is gone.
#[derive(Debug)]
pub(crate) struct Unplaced(NamedTempFile);

/// The permissions of any other file: the umask decides.
pub(crate) fn usual_permissions() -> Permissions {
    Permissions::from_mode(0o666)
}

/// Writes a file in this directory, which has to be on the file system of its later place.
pub(crate) fn write(
    directory: &Path,
    permissions: Permissions,
    content: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<Unplaced> {
    let mut builder = tempfile::Builder::new();
    let file = builder.prefix(".design-analysis-").permissions(permissions).tempfile_in(directory)?;
    let mut writer = BufWriter::new(file.as_file());
    content(&mut writer)?;
    writer.flush()?;
    drop(writer);
    file.as_file().sync_all()?;
    Ok(Unplaced(file))
}

impl Unplaced {
    /// Puts the file in its place, whatever was there. The disk has its name after [`sync_directory`].
    pub(crate) fn place(self, path: &Path) -> io::Result<()> {
        self.0.persist(path)?;
        Ok(())
    }
}

/// Waits until the disk has the names in a directory.
pub(crate) fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_cannot_be_written_to_its_end_leaves_what_was_there_and_nothing_else() {
        let directory = tempfile::tempdir().unwrap();
        let place = directory.path().join("file");
        let text = |text: &'static str| move |out: &mut dyn Write| out.write_all(text.as_bytes());
        write(directory.path(), usual_permissions(), text("first")).unwrap().place(&place).unwrap();
        let failing = |out: &mut dyn Write| out.write_all(b"half").and(Err(io::Error::other("full")));
        write(directory.path(), usual_permissions(), failing).unwrap_err();
        drop(write(directory.path(), usual_permissions(), text("never placed")).unwrap());
        assert_eq!(fs::read_to_string(&place).unwrap(), "first");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }
}
