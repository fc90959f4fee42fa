//! Writing a whole file anew: whoever reads it finds the old text or the new one, and never a part of either.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use super::layout::private_file;

/// Puts a text in the place of a file's, which need not be there. To be called by one at a time for each file.
///
/// The text is on the disk before it takes the other's place: what is written this way is not to be lost.
pub fn replace(path: &Path, text: &[u8]) -> io::Result<()> {
    replace_with(path, |file| file.write_all(text))
}

/// The same with a text that is too long to be held: `write` writes it.
pub fn replace_with(path: &Path, write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let unfinished = path.with_file_name(name);
    // What a process left that was killed right here, whatever it may be.
    match fs::symlink_metadata(&unfinished) {
        Ok(found) if found.is_dir() => fs::remove_dir_all(&unfinished)?,
        Ok(_) => fs::remove_file(&unfinished)?,
        Err(_) => {}
    }
    let mut file = BufWriter::new(private_file().write(true).create_new(true).open(&unfinished)?);
    let written = write(&mut file)
        .and_then(|()| file.flush())
        .and_then(|()| file.get_ref().sync_data())
        .and_then(|()| fs::rename(&unfinished, path));
    if written.is_err() {
        let _ = fs::remove_file(&unfinished);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    /// H29: what a crash left in the way, a file that cannot be written or a directory, is in nobody's way.
    #[test]
    fn h29_a_leftover_is_replaced_as_well() {
        let dir = tempfile::tempdir().unwrap();
        let (path, unfinished) = (dir.path().join("list"), dir.path().join("list.new"));
        replace(&path, b"one").unwrap();
        fs::write(&unfinished, "half").unwrap();
        fs::set_permissions(&unfinished, fs::Permissions::from_mode(0o444)).unwrap();
        replace(&path, b"two").unwrap();
        fs::create_dir_all(unfinished.join("below")).unwrap();
        replace(&path, b"three").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "three");
        assert!(!unfinished.exists());
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    /// H178: a link in the place of the file is replaced, not followed.
    #[test]
    fn h178_a_planted_link_is_not_written_through() {
        let dir = tempfile::tempdir().unwrap();
        let (path, victim) = (dir.path().join("list"), dir.path().join("victim"));
        fs::write(&victim, "mine").unwrap();
        std::os::unix::fs::symlink(&victim, &path).unwrap();
        replace(&path, b"new").unwrap();
        assert_eq!(fs::read_to_string(&victim).unwrap(), "mine");
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
    }
}
