//! Files that are broken, and file systems that are not this machine's.

use super::*;

/// An index of some pages.
fn sound() -> State {
    let state = State::new();
    let stages = || (0..20).map(|n| passed(&format!("stage-{n}"), n, 10)).collect::<Vec<_>>();
    state.add("p", &(1..200).map(|n| run(n, stages())).collect::<Vec<_>>());
    state.settle();
    state
}

fn corrupt(state: &State, how: impl Fn(&fs::File, u64)) {
    let file = fs::File::options().read(true).write(true).open(state.file()).unwrap();
    how(&file, file.metadata().unwrap().len());
}

type Way<'a> = &'a dyn Fn(&fs::File, u64);

/// Opens it and asks all that can be asked.
fn ask_everything(state: &State) -> Result<(), Fault> {
    let history = History::open(&state.file(), Patience::Long)?;
    let Some(known) = history.project("p")? else { return Ok(()) };
    history.known_runs(&known, RunNumber(0))?;
    history.runs(&known, 1000)?;
    let jobs = history.jobs(&known)?;
    history.runs_of(&known, &jobs, 100_000)?;
    history.totals(&known, &jobs)?;
    Ok(())
}

/// H79: a broken header, broken pages, an end that is missing and bytes that never were a database are all seen for what
/// they are.
#[test]
fn h79_damage_is_told_from_everything_else() {
    let noise: Vec<u8> =
        (0..u32::from(u16::MAX)).map(|n| (n.wrapping_mul(2_654_435_761) >> 13).to_le_bytes()[0]).collect();
    let ways: [(&str, Way<'_>); 4] = [
        ("header", &|file, _| file.write_all_at(b"not a database!", 0).unwrap()),
        ("mid-page", &|file, length| {
            for page in 1..length / 4096 {
                file.write_all_at(&noise[..2000], page * 4096).unwrap();
            }
        }),
        ("truncated", &|file, length| file.set_len(length / 2 + 100).unwrap()),
        ("garbage", &|file, length| {
            file.set_len(0).unwrap();
            file.write_all_at(&noise[..usize::try_from(length).unwrap().min(noise.len())], 0).unwrap();
        }),
    ];
    for (way, how) in ways {
        let state = sound();
        assert!(ask_everything(&state).is_ok());
        state.settle();
        corrupt(&state, how);
        match ask_everything(&state) {
            Err(fault) => assert!(fault.is_damage(), "{way}: {fault:?}"),
            Ok(()) => panic!("{way} was not noticed"),
        }
    }
}

/// H79: an empty file is an index of nothing.
#[test]
fn h79_an_empty_file_is_just_new() {
    let state = sound();
    corrupt(&state, |file, _| file.set_len(0).unwrap());
    state.add("p", &[run(1, vec![passed("a", 1, 1)])]);
    assert_eq!(numbers(&state.open(), "p"), [1]);
}

/// H79: another program's database is not ours to write into.
#[test]
fn h79_a_database_of_something_else_is_damage() {
    let state = State::new();
    let other = rusqlite::Connection::open(state.file()).unwrap();
    other.execute_batch("CREATE TABLE project (shoe_size)").unwrap();
    drop(other);
    assert!(History::open(&state.file(), Patience::Long).unwrap_err().is_damage());
}

/// H79: it goes with all that belongs to it, three of them are kept, and one that somebody has made anew stays.
#[test]
fn h79_a_damaged_file_is_set_aside_once() {
    let state = State::new();
    let file = state.file();
    for at in 1..=5 {
        fs::write(&file, "broken").unwrap();
        fs::write(beside(&file, "-wal"), "its log").unwrap();
        let damaged = Identity::of(&file).unwrap();
        let aside = set_aside(&file, Some(damaged), at, Patience::Long).unwrap().unwrap();
        assert_eq!(aside, beside(&file, &format!(".corrupt-{at}")));
        assert!(!file.exists() && !beside(&file, "-wal").exists());
        assert_eq!(
            set_aside(&file, Some(damaged), at + 100, Patience::Long).unwrap(),
            None,
            "there is nothing any more"
        );
    }
    let kept: Vec<String> = state.entries().into_iter().filter(|entry| entry != "history.db.lock").collect();
    let names = [3, 4, 5].map(|at| [format!("history.db.corrupt-{at}"), format!("history.db.corrupt-{at}-wal")]);
    assert_eq!(kept, names.concat());

    fs::write(&file, "broken").unwrap();
    let damaged = Identity::of(&file).unwrap();
    fs::rename(&file, state.file().with_file_name("elsewhere")).unwrap();
    fs::write(&file, "made anew").unwrap();
    assert_eq!(set_aside(&file, Some(damaged), 9, Patience::Long).unwrap(), None);
    assert_eq!(fs::read_to_string(&file).unwrap(), "made anew");
}

/// H82: over a network there is no shared memory, so no log of writes; that is said once.
#[test]
fn h82_a_network_file_system_gets_a_rollback_journal() {
    let state = State::new();
    let far = |_: &Path| Medium::Network;
    let open = || History::open_with(&state.file(), STEPS, far, Patience::Long).unwrap();
    let mode = |history: &History| -> String {
        history.connection.query_row("PRAGMA journal_mode", [], |row| row.get(0)).unwrap()
    };
    let mut first = open();
    assert_eq!((mode(&first).as_str(), first.notices.len()), ("delete", 1), "{:?}", first.notices);
    first.add("p", About::default(), &[run(1, vec![passed("a", 1, 1)])]).unwrap();
    drop(first);
    let second = open();
    assert_eq!((mode(&second).as_str(), &second.notices), ("delete", &Vec::new()));
    assert_eq!(numbers(&second, "p"), [1]);
    drop(second);
    let entries: Vec<String> = state.entries().into_iter().collect();
    assert_eq!(entries, ["history.db", "history.db.lock"]);

    // One that was made on this machine and moved.
    let state = sound();
    let moved = History::open_with(&state.file(), STEPS, far, Patience::Long).unwrap();
    assert_eq!((mode(&moved).as_str(), moved.notices.len()), ("delete", 1));
}

/// H75: what the system refuses is no damage: nothing is set aside for it.
#[test]
fn h75_a_file_that_cannot_be_opened_is_not_damaged() {
    let state = State::new();
    fs::create_dir(state.file()).unwrap();
    let fault = History::open(&state.file(), Patience::Long).unwrap_err();
    assert!(!fault.is_damage(), "{fault:?}");
    let fault = History::open(Path::new("/dev/null/history.db"), Patience::Long).unwrap_err();
    assert!(matches!(fault, Fault::File(_)), "{fault:?}");
}

/// H77: on what can only be read, where nothing can stand beside the file, it is read as it is.
#[test]
fn h77_a_file_that_can_only_be_read_is_read() {
    let state = sound();
    let before = state.entries();
    let mut history = History::as_it_is(&state.file(), STEPS).unwrap();
    assert!(!history.is_writable());
    assert_eq!(numbers(&history, "p").len(), 199);
    let fault = history.add("p", About::default(), &[run(500, Vec::new())]).unwrap_err();
    assert!(!fault.is_damage(), "{fault:?}");
    drop(history);
    assert_eq!(state.entries(), before, "nothing is made beside it");
    fs::write(state.file(), "").unwrap();
    let empty = History::as_it_is(&state.file(), STEPS).unwrap();
    assert_eq!(empty.project("p").unwrap(), None);
}
