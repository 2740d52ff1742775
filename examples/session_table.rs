//! Prints a recorded session as a table: how long each face showed each label, in seconds.
//!
//! `cargo run --release -- record demo --out monday --seconds 5`, then
//! `cargo run --release --example session_table -- monday`.

use std::{env, error::Error, path::PathBuf};

use fervis::{expression::PerLabel, session::Session};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = env::args_os().nth(1).ok_or("usage: session_table FOLDER")?;
    let session = Session::open(&PathBuf::from(folder))?;

    print!("{:>5} {:>8}", "face", "seen");
    for label in session.labels().iter() {
        print!(" {label:>8}");
    }
    println!();
    // Rows are frames, and frames are not seconds: the timeline says how long each row lasts.
    for track in session.face_tracks() {
        let mut seconds = PerLabel::<f64>::new(track.labels());
        for span in &track.spans {
            seconds[span.row.label().index()] += span.duration_s();
        }
        print!("{:>5} {:>8.2}", track.number, track.seen_s());
        for seconds in seconds.iter() {
            print!(" {seconds:>8.2}");
        }
        println!();
    }
    Ok(())
}
