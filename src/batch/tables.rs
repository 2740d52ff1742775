//! The tables of a batch, made from its sessions.
//!
//! Rows are in the order of the files' names, so the tables are the same however the work was shared out.

use std::path::PathBuf;

use serde_json::json;

use super::{BatchConfig, BatchError, list::Item, run::session_of};
use crate::{
    export::faces_of_many::FacesOfMany,
    result_file::{Outputs, ResultFile},
    session::{
        about::About,
        manifest::Manifest,
        rows,
        tables::{self, Cell, Column, FaceRow, Kind, Row},
    },
};

/// The names of the tables, without what says which shard they are of.
const FACES: &str = "faces";
const FILES: &str = "files";

/// A file of the batch, for the tables.
#[derive(Debug)]
pub(super) struct FileRow {
    pub item: Item,
    pub about: About,
    /// Of its session.
    pub folder: PathBuf,
    /// Why it has none.
    pub failure: Option<String>,
}

/// Where the tables go. Made before the work, so that a table that may not be replaced costs no time.
pub(super) struct Plan {
    out: PathBuf,
    faces: FacesOfMany,
    files: (PathBuf, ResultFile),
}

impl Plan {
    /// `replace`: tables of earlier runs may be replaced.
    pub fn new(
        config: &BatchConfig,
        inputs: impl IntoIterator<Item = PathBuf>,
        replace: bool,
    ) -> Result<Self, BatchError> {
        let suffix = config.shard.map(|shard| shard.suffix()).unwrap_or_default();
        let path =
            |name: &str, extension: &str| config.out.join(format!("{name}{suffix}.{extension}"));
        std::fs::create_dir_all(&config.out)
            .map_err(|source| crate::session::SessionError::write(&config.out, source))?;
        let mut outputs = Outputs::new(replace || config.overwrite).reading(inputs);
        let files = path(FILES, "csv");
        Ok(Self {
            out: config.out.clone(),
            faces: FacesOfMany::new(
                &mut outputs,
                &path(FACES, "csv"),
                &path(FACES, "parquet"),
                lead_columns(),
            )?,
            files: (files.clone(), outputs.file(&files)?),
        })
    }
}

/// The columns before those of a session's table.
fn lead_columns() -> Vec<Column> {
    let file = Column {
        name: "file".to_owned(),
        kind: Kind::Text,
        unit: "",
        description: "The file, by its path within the folder that was analyzed.".to_owned(),
    };
    [file].into_iter().chain(About::columns()).collect()
}

/// The cells of [`lead_columns`].
fn lead_cells(row: &FileRow) -> Vec<Cell<'static>> {
    let about = row.about.cells().into_iter().map(|cell| match cell {
        Cell::Text(text) => Cell::Text(text.into_owned().into()),
        _ => Cell::Empty,
    });
    let file = Cell::Text(row.item.name.to_string().into());
    [file].into_iter().chain(about).collect()
}

/// Writes the tables. Returns their paths.
///
/// # Errors
/// [`BatchError`] if a session cannot be read or a table cannot be written.
pub(super) fn write(mut plan: Plan, files: &[FileRow]) -> Result<Vec<PathBuf>, BatchError> {
    let mut lines = tables::lines([file_columns()
        .into_iter()
        .map(|name| Cell::Text(name.into()))]);
    let mut description = None;
    for file in files {
        let manifest = match &file.failure {
            None => Some(Manifest::read(&file.folder)?),
            Some(_) => None,
        };
        if let Some(manifest) = &manifest {
            let described = description
                .get_or_insert_with(|| describe(manifest))
                .clone();
            let mut faces: Vec<FaceRow> = rows(&file.folder)?;
            for row in &mut faces {
                // So that the same files always give the same tables.
                (row.detect_time, row.classify_time) = (None, None);
            }
            let names = &manifest.face_names;
            plan.faces.add(lead_cells(file), faces, names, &described)?;
        }
        lines.extend(tables::lines([file_cells(
            file,
            manifest.as_ref(),
            &plan.out,
        )]));
    }
    let (path, table) = plan.files;
    let mut written = plan.faces.finish(&description.unwrap_or_default())?;
    table.write_whole(lines)?;
    written.push(path);
    Ok(written)
}

/// What is the same for all files, for the metadata of the tables.
fn describe(manifest: &Manifest) -> String {
    let faces = manifest.columns.get(FaceRow::FILE);
    json!({
        "app": manifest.app,
        "models": manifest.models,
        "settings": manifest.settings,
        "columns": faces,
    })
    .to_string()
}

fn file_columns() -> Vec<String> {
    let lead = lead_columns().into_iter().map(|column| column.name);
    let own = [
        "status", "reason", "frames", "faces", "seconds", "width", "height", "rate_hz", "folder",
    ];
    lead.chain(own.map(str::to_owned)).collect()
}

fn file_cells(
    file: &FileRow,
    manifest: Option<&Manifest>,
    out: &std::path::Path,
) -> Vec<Cell<'static>> {
    let text = |text: String| Cell::Text(text.into());
    let mut cells = lead_cells(file);
    let Some(manifest) = manifest else {
        let reason = file.failure.clone().unwrap_or_default();
        cells.extend([text("failed".to_owned()), text(reason)]);
        cells.resize(file_columns().len(), Cell::Empty);
        return cells;
    };
    let source = &manifest.source;
    let seconds = manifest
        .length_s
        .map_or(Cell::Empty, |length| Cell::Number(length, 3));
    let folder = session_of(&file.folder, out);
    let folder = folder
        .components()
        .map(|part| part.as_os_str().to_string_lossy());
    cells.extend([
        text("analyzed".to_owned()),
        Cell::Empty,
        Cell::Whole(manifest.counts.analyzed),
        Cell::Whole(manifest.counts.faces),
        seconds,
        Cell::Whole(source.width.into()),
        Cell::Whole(source.height.into()),
        source
            .nominal_rate_hz
            .map_or(Cell::Empty, |rate| Cell::Number(rate, 3)),
        text(folder.collect::<Vec<_>>().join("/")),
    ]);
    cells
}
