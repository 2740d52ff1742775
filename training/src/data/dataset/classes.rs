//! The classes of images in one folder per class.
//!
//! If all folders are named after FER-2013's expressions, its seven are the classes, with or without images. Otherwise the
//! classes are the names of the folders in alphabetical order, as torchvision's `ImageFolder` numbers them.

use std::collections::BTreeMap;

use fervis::expression::{Expression, Label, LabelError, Labels, MAX_LABELS};

use super::error::DatasetError;

/// The names of all class folders in order, with the number of images in each. `folders` has one name for each image.
pub(super) fn count<'a>(folders: impl Iterator<Item = &'a str>) -> BTreeMap<String, usize> {
    let mut counted = BTreeMap::new();
    for folder in folders {
        match counted.get_mut(folder) {
            Some(n) => *n += 1,
            None => drop(counted.insert(folder.to_owned(), 1)),
        }
    }
    counted
}

/// The classes of a dataset with these class folders.
pub(super) fn of(folders: &BTreeMap<String, usize>, name: &str) -> Result<Labels, DatasetError> {
    let is_expression = |folder: &&String| Expression::from_name(folder).is_some();
    if folders.keys().all(|folder| is_expression(&folder)) {
        return Ok(Labels::FER_2013);
    }
    // The same class may be written differently in train and test.
    let mut names: Vec<&str> = Vec::new();
    for folder in folders.keys() {
        let is_known = |known: &&str| known.to_lowercase() == folder.to_lowercase();
        if !names.iter().any(is_known) {
            names.push(folder);
        }
    }
    let classes = Labels::new(&names).map_err(|error| DatasetError::Form {
        file: name.to_owned(),
        problem: match error {
            LabelError::Count(1) => format!(
                "holds images of only one class, “{}”; a network needs at least two",
                names[0]
            ),
            LabelError::Count(n) => format!(
                "holds {n} class folders, but a network has at most {MAX_LABELS} labels; choose some with --classes"
            ),
            error => format!("{error}; rename the folder"),
        },
    })?;
    log::info!("{name}: the classes are {}", classes.list());
    if folders.keys().any(|folder| is_expression(&folder)) {
        let others = folders.keys().filter(|folder| !is_expression(folder));
        let others: Vec<String> = others.map(|folder| format!("“{folder}”")).collect();
        log::warn!(
            "{name}: beside FER-2013's expressions there are the classes {}; to leave them out, name the others with --classes",
            others.join(", ")
        );
    }
    Ok(classes)
}

/// The label of each class folder that has one. Says how many images are left out.
pub(super) fn labels(
    folders: &BTreeMap<String, usize>,
    classes: Labels,
    name: &str,
) -> BTreeMap<String, Label> {
    let mut labels = BTreeMap::new();
    for (folder, n_images) in folders {
        match classes.named(folder) {
            Some(label) => {
                labels.insert(folder.clone(), label);
            }
            None => log::warn!("{name}: {n_images} images of the class “{folder}” are left out"),
        }
    }
    labels
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(folders: &[&str]) -> Result<Labels, DatasetError> {
        of(&count(folders.iter().copied()), "data")
    }

    #[track_caller]
    fn refused(folders: &[&str], words: &str) {
        let error = found(folders).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }

    #[test]
    fn folders_of_expressions_are_fer_2013_and_others_are_classes() {
        assert_eq!(found(&["Happy", "anger"]).unwrap(), Labels::FER_2013);
        let names = |folders: &[&str]| found(folders).unwrap().names().collect::<Vec<_>>();
        assert_eq!(names(&["no mask", "mask"]), ["mask", "no mask"]);
        // As in train and in test.
        assert_eq!(names(&["Bored", "bored", "calm"]), ["Bored", "calm"]);
        assert_eq!(names(&["happy", "contempt"]), ["contempt", "happy"]);
        refused(&["mask"], "only one class, “mask”");
        refused(&["=1+1", "mask"], "must not begin");
        let many: Vec<String> = (0..33).map(|n| format!("person {n}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        refused(
            &many,
            "33 class folders, but a network has at most 32 labels; choose some with --classes",
        );
    }

    #[test]
    fn chosen_classes_keep_their_order_and_leave_others_out() {
        let folders = count(["calm", "calm", "Bored", "joy", "tense"].into_iter());
        assert_eq!(folders["calm"], 2);
        let chosen = Labels::new(&["happy", "bored", "calm"]).unwrap();
        let labels = labels(&folders, chosen, "data");
        let indices: Vec<(&str, usize)> = labels
            .iter()
            .map(|(folder, label)| (folder.as_str(), label.index()))
            .collect();
        assert_eq!(indices, [("Bored", 1), ("calm", 2), ("joy", 0)]);
    }
}
