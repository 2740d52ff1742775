//! Which camera a name or a number means, and messages about cameras.

use super::*;

fn device(number: usize, name: &str, problem: Option<CameraProblem>) -> CameraDevice {
    CameraDevice {
        number,
        name: name.to_owned(),
        id: CameraId::default(),
        formats: Vec::new(),
        problem,
    }
}

fn infrared() -> CameraProblem {
    CameraProblem::UnknownFormats {
        formats: vec!["GREY".to_owned(), "Y16 ".to_owned()],
    }
}

#[test]
fn cameras_are_found_by_name_number_and_part_of_a_name() {
    let devices = [
        device(0, "Laptop IR", Some(infrared())),
        device(1, "Laptop", None),
        device(2, "Logi C920", None),
        device(3, "1", None),
    ];
    for (wanted, place) in [
        (None, 1),
        (Some("Laptop"), 1),
        (Some("2"), 2),
        (Some("logi"), 2),
        (Some(" Logi C920 "), 2),
        // A camera may be called “1”; a full name comes before a number.
        (Some("1"), 3),
    ] {
        assert_eq!(find(&devices, wanted).unwrap(), place, "{wanted:?}");
    }
}

#[test]
fn a_missing_camera_has_a_message() {
    let check = |devices: &[CameraDevice], wanted: Option<&str>, words: &str, transient: bool| {
        let err = find(devices, wanted).unwrap_err();
        assert_eq!(err.to_string(), words);
        assert_eq!(err.is_transient(), transient);
    };
    check(&[], None, "no camera found", true);
    check(&[], Some("0"), "no camera found", true);
    check(
        &[],
        Some("C920"),
        "camera “C920” is not connected (found: none)",
        true,
    );
    let devices = [device(0, "IR", Some(infrared()))];
    check(
        &devices,
        Some("7"),
        "camera “7” is not connected (found: 0 “IR”)",
        true,
    );
    let two = [device(0, "C920", None), device(1, "Cam 2", None)];
    check(
        &two,
        Some("2"),
        "camera “2” is not connected (found: 0 “C920”, 1 “Cam 2”)",
        true,
    );
    check(
        &devices,
        Some(""),
        "camera “” is not connected (found: 0 “IR”)",
        true,
    );
    check(
        &devices,
        None,
        "camera “IR” could not be opened: it is an infrared or depth camera (GREY, Y16 ); choose one that sends color",
        false,
    );
    let devices = [device(
        0,
        "H",
        Some(CameraProblem::UnknownFormats {
            formats: vec!["H264".to_owned()],
        }),
    )];
    check(
        &devices,
        None,
        "camera “H” could not be opened: it sends only H264; MJPG, YUYV, NV12, RGB3 and BGR3 can be decoded",
        false,
    );
    let devices = [device(0, "A", Some(CameraProblem::NoPermission))];
    assert!(
        find(&devices, None)
            .unwrap_err()
            .to_string()
            .contains(HOW_TO_PERMIT)
    );
}

fn id(place: &str, serial: Option<&str>, name: &str) -> CameraId {
    CameraId {
        place: place.to_owned(),
        serial: serial.map(str::to_owned),
        name: name.to_owned(),
    }
}

/// The index at which `known`, opened while `others` were connected, is found again among `present`.
fn found_again(known: &CameraId, others: &[CameraId], present: &[CameraId]) -> Option<usize> {
    let known = KnownCamera {
        name: known.name.clone(),
        id: known.clone(),
        others: others.iter().cloned().collect(),
    };
    let mut devices: Vec<CameraDevice> = Vec::new();
    for id in present {
        let earlier: Vec<&str> = devices.iter().map(|device| device.name.as_str()).collect();
        let name = unique_name(&id.name, &earlier);
        devices.push(CameraDevice {
            id: id.clone(),
            ..device(devices.len(), &name, None)
        });
    }
    find_again(&devices, &known).ok()
}

#[test]
fn only_the_same_camera_comes_back() {
    let cam = id("port 1", None, "Cam");
    let moved = id("port 2", None, "Cam");
    let pro = id("port 2", None, "Cam Pro 270");
    let third = id("port 3", None, "Cam");
    assert_eq!(found_again(&cam, &[], &[pro.clone(), cam.clone()]), Some(1));
    assert_eq!(found_again(&cam, &[], std::slice::from_ref(&pro)), None);
    assert_eq!(
        found_again(
            &cam,
            std::slice::from_ref(&pro),
            &[pro.clone(), moved.clone()]
        ),
        Some(1),
        "in another socket"
    );
    // A twin is another camera because it was connected at the same time.
    assert_eq!(
        found_again(
            &cam,
            std::slice::from_ref(&moved),
            std::slice::from_ref(&moved)
        ),
        None
    );
    assert_eq!(
        found_again(
            &cam,
            std::slice::from_ref(&moved),
            &[moved.clone(), third.clone()]
        ),
        Some(1)
    );
    // Of two new cameras neither is known to be it, unless one is in its socket.
    assert_eq!(
        found_again(&cam, &[], &[moved.clone(), third.clone()]),
        None
    );
    assert_eq!(
        found_again(&cam, &[], &[moved, third, cam.clone()]),
        Some(2)
    );
    // A different camera in its socket is not it.
    let stranger = id("port 1", None, "Other");
    assert_eq!(
        found_again(&cam, &[], std::slice::from_ref(&stranger)),
        None
    );
}

#[test]
fn a_serial_number_counts_more_than_a_name() {
    let cam = id("port 1", Some("046d:0825:A"), "Cam");
    let twin = id("port 1", Some("046d:0825:B"), "Cam");
    let moved = id("port 2", Some("046d:0825:A"), "Cam");
    assert_eq!(found_again(&cam, &[], &[twin.clone(), moved]), Some(1));
    assert_eq!(
        found_again(&cam, &[], &[twin]),
        None,
        "in its socket, but another camera"
    );
}

#[test]
fn the_message_lists_the_connected_cameras() {
    let known = KnownCamera {
        name: "A".to_owned(),
        id: id("port 1", None, "A"),
        others: BTreeSet::new(),
    };
    let err = find_again(&[device(0, "B", None), device(1, "A", None)], &known);
    // Both devices of this test have no place, and other names in the system.
    assert_eq!(
        err.unwrap_err().to_string(),
        "camera “A” is not connected (found: 0 “B”, 1 “A”, which is another one)"
    );
}

#[test]
fn twins_get_numbers() {
    assert_eq!(unique_name("Cam", &[]), "Cam");
    assert_eq!(unique_name("Cam", &["Cam"]), "Cam (2)");
    assert_eq!(unique_name("Cam", &["Cam", "Other", "Cam (2)"]), "Cam (3)");
}
