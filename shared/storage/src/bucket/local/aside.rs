//! Keeping the bytes of a file that is about to be replaced.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::{RESERVED, durable, meta_of, open};
use crate::bucket::Key;

/// Gives the file of an object, which is about to be replaced, a second name that no reader and no listing finds: its
/// bytes stay. Where they are then; `None` if there is no such file.
///
/// A file that has such a name keeps the one. Where the file system knows no second names, the bytes are copied.
///
/// # Errors
/// Those of the file system.
pub fn set_aside(root: &Path, key: &Key) -> io::Result<Option<PathBuf>> {
    let (place, aside) = (root.join(key.as_str()), root.join(RESERVED).join("damaged"));
    let Some(meta) = meta_of(&place)? else { return Ok(None) };
    durable::create_directories(root, &aside)?;
    let name = place.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    for number in 0_u32.. {
        let other = aside.join(format!("{name}.{}.{number}.json", meta.saved_at.micros()));
        match link_or_copy(&place, &other, |from, to| fs::hard_link(from, to)) {
            Err(e) if e.kind() == ErrorKind::AlreadyExists && !is_same(&place, &other)? => {}
            Err(e) if e.kind() != ErrorKind::AlreadyExists => return Err(e),
            _ => {
                durable::sync_directory(&aside)?;
                return Ok(Some(other));
            }
        }
    }
    Ok(None)
}

fn link_or_copy(
    place: &Path,
    other: &Path,
    link: impl FnOnce(&Path, &Path) -> io::Result<()>,
) -> io::Result<()> {
    match link(place, other) {
        Err(e)
            if matches!(
                e.kind(),
                ErrorKind::Unsupported | ErrorKind::PermissionDenied | ErrorKind::TooManyLinks
            ) =>
        {
            let mut copy = OpenOptions::new().create_new(true).write(true).mode(0o600).open(other)?;
            io::copy(&mut open(place)?, &mut copy)?;
            copy.sync_all()
        }
        linked => linked,
    }
}

/// Whether both are names of one file.
fn is_same(place: &Path, other: &Path) -> io::Result<bool> {
    let [one, two] = [fs::metadata(place)?, fs::metadata(other)?];
    Ok((one.dev(), one.ino()) == (two.dev(), two.ino()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damaged_bytes_are_set_aside_once_for_each_damage() {
        let root = tempfile::TempDir::new().unwrap();
        let key = Key::new("analysis/2026/01/a.b.json");
        assert_eq!(set_aside(root.path(), &key).unwrap(), None);
        fs::create_dir_all(root.path().join("analysis/2026/01")).unwrap();
        for bytes in ["half", "none"] {
            let place = root.path().join(key.as_str());
            fs::write(&place, bytes).unwrap();
            let aside = set_aside(root.path(), &key).unwrap().unwrap();
            assert_eq!(set_aside(root.path(), &key).unwrap(), Some(aside.clone()), "again");
            fs::remove_file(&place).unwrap();
            assert_eq!(fs::read_to_string(aside).unwrap(), bytes);
        }
    }

    #[test]
    fn without_second_names_the_bytes_are_copied() {
        let root = tempfile::TempDir::new().unwrap();
        let [place, other] = ["place", "other"].map(|name| root.path().join(name));
        fs::write(&place, "half").unwrap();
        for kind in [ErrorKind::Unsupported, ErrorKind::PermissionDenied] {
            link_or_copy(&place, &other, |_, _| Err(kind.into())).unwrap();
            assert!(!is_same(&place, &other).unwrap());
            assert_eq!(fs::read_to_string(&other).unwrap(), "half");
            let again = link_or_copy(&place, &other, |_, _| Err(kind.into()));
            assert_eq!(again.unwrap_err().kind(), ErrorKind::AlreadyExists, "nothing is overwritten");
            fs::remove_file(&other).unwrap();
        }
    }
}
