use std::fs;
use std::io::{Read as _, Write as _};

use sprag_core::digest::Digest;
use sprag_store::StoreError;

use crate::samples;

fn files_in(folder: &std::path::Path) -> usize {
    fs::read_dir(folder).unwrap().count()
}

#[test]
fn content_comes_back_by_its_digest() {
    let (_folder, store) = samples::store();
    for bytes in [&b""[..], b"x", &[7; 100_000]] {
        let digest = store.put_bytes(bytes).unwrap();
        assert_eq!(digest, Digest::of(bytes));
        assert!(store.contains(&digest));
        assert_eq!(store.read_blob(&digest).unwrap(), bytes);
        assert_eq!(store.put_bytes(bytes).unwrap(), digest);
    }
    assert_eq!(files_in(&store.root().join("tmp")), 0);
}

#[test]
fn content_in_pieces_is_the_same_content() {
    let (_folder, store) = samples::store();
    let whole = (0..200_000_u32).flat_map(u32::to_le_bytes).collect::<Vec<_>>();
    let mut writer = store.writer().unwrap();
    assert!(writer.is_empty());
    for piece in whole.chunks(9_999) {
        writer.append(piece).unwrap();
    }
    assert_eq!(writer.len(), 800_000);
    assert_eq!(writer.finish().unwrap(), (Digest::of(&whole), 800_000));
    let mut read = Vec::new();
    store.open_blob(&Digest::of(&whole)).unwrap().read_to_end(&mut read).unwrap();
    assert_eq!(read, whole);
}

#[test]
fn an_unfinished_writer_leaves_nothing() {
    let (_folder, store) = samples::store();
    let mut writer = store.writer().unwrap();
    writer.write_all(&[1; 200_000]).unwrap();
    assert_eq!(files_in(&store.root().join("tmp")), 1);
    drop(writer);
    assert_eq!(files_in(&store.root().join("tmp")), 0);
    assert_eq!(files_in(&store.root().join("blobs/sha256")), 0);
}

#[test]
fn a_missing_file_is_named() {
    let (_folder, store) = samples::store();
    let digest = Digest::of(b"never put");
    assert!(!store.contains(&digest));
    for error in [store.read_blob(&digest).unwrap_err(), store.open_blob(&digest).unwrap_err()] {
        assert!(matches!(error, StoreError::MissingBlob { .. }));
        assert!(error.to_string().contains(&digest.to_string()), "{error}");
        assert!(error.hint().is_some());
    }
}

#[test]
fn a_damaged_file_is_told_and_healed_by_putting_it_again() {
    let (_folder, store) = samples::store();
    let digest = store.put_bytes(b"0123456789").unwrap();
    for damage in [&b"0123456780"[..], b"01234", b""] {
        let path = store.blob_path(&digest);
        fs::remove_file(&path).unwrap();
        fs::write(&path, damage).unwrap();
        let error = store.read_blob(&digest).unwrap_err();
        assert!(matches!(&error, StoreError::DamagedBlob { found, .. } if *found == Digest::of(damage)), "{error}");
        assert!(error.hint().unwrap().contains(&path.display().to_string()));
        store.put_bytes(b"0123456789").unwrap();
        assert_eq!(store.read_blob(&digest).unwrap(), b"0123456789");
    }
}

#[cfg(unix)]
#[test]
fn content_is_read_only() {
    let (_folder, store) = samples::store();
    let path = store.blob_path(&store.put_bytes(b"x").unwrap());
    assert!(fs::metadata(path).unwrap().permissions().readonly());
}
