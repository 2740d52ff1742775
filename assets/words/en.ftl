# The texts of the window, in English: the source of the other languages.
# How to add a text or a language: CONTRIBUTING.md.

## Labels of faces

label-angry = angry
label-disgust = disgust
label-fear = fear
label-happy = happy
label-sad = sad
label-surprise = surprise
label-neutral = neutral
label-uncertain = uncertain
label-turned-away = turned away

## Buttons and words of several places

save = Save
cancel = Cancel
clear = Clear
no-thread = Cannot start a thread: { $reason }.
show-folder = Show folder

## Menus

menu-file = File
menu-source = Source
menu-playback = Playback
menu-model = Model
menu-record = Record
menu-view = View
menu-stream = Stream
menu-help = Help

## Menu File

file-open-file = Open image or video…
file-open-folder = Open folder…
file-open-session = Open session…
file-open-checkpoint = Open checkpoint…
file-sessions = Sessions…
file-recent = Recent sessions
file-recent-files = Recent files
file-export = Export session
file-read-again = Re-analyze with
file-choose-network = Choose a file…
file-share = Share a copy with hidden faces…
file-many = Analyze many…
file-quit = Quit

## Formats of exports

format-webvtt = Subtitles (WebVTT)
format-srt = Subtitles (SRT)
format-elan = ELAN document
format-bids = BIDS events
format-py-feat = Table for py-feat (CSV)
format-parquet = Parquet tables
format-summary = Summary of each face (CSV)
format-svg = Plots (SVG)
format-png = Plots (PNG)

## Menu Source

source-searching = Looking for cameras…
source-none = No camera found
source-demo = Demo
source-play-again = Play again
source-refresh = Refresh cameras

## Menu Model

model-fervis-plus = as people judge a face: the choice for live use
model-fervis = by FER-2013's labels: to compare with published results
model-three-block = small and simple: for teaching
model-recent = Recent
model-in-folder = { $file } in { $folder }
model-second = Second network
model-second-none = None
model-second-note = reads the same faces, for comparison

## Menu Record

record-start = Start recording
record-stop = Stop recording
record-pause = Pause recording
record-resume = Resume recording
record-mark = Set marker
record-mark-with-note = Set marker with note…
record-exclude-from = Exclude from here
record-exclude-to = Exclude to here
record-undo = Undo
record-video-annotated = Video with boxes
record-video-clean = Video without boxes
record-video-both = Both videos
record-video-none = Values only, no video
record-about = Who and what…
record-marker-keys = Marker keys…
record-folder = Recordings folder…
record-folder-now = Currently { $folder }

## Menu View

view-mirror = Mirror
view-boxes = Boxes
view-mesh = Face mesh
view-bars = Bars
view-fullscreen = Full screen
view-timeline = Timeline
view-statistics = Statistics
view-privacy = Privacy
view-privacy-key = Press { $key } to switch
view-privacy-off = Off
view-privacy-pixelate = Pixelate faces
view-privacy-blur = Blur faces
view-smoothing = Smoothing
view-averaging = Mirror averaging (slower; helps “fervis” only)
view-set-neutral = Set neutral
view-forget-neutral = Forget neutral
view-uncertain = Uncertain below
view-own-threshold = Use the network's own threshold
view-min-face = Minimum face size
view-rustface = Find faces with rustface alone
view-theme = Theme
view-follow-system = Follow system
view-theme-light = Light
view-theme-dark = Dark
view-language = Language

## Menu Help

help-keyboard = Keyboard shortcuts
help-about = About fervis

## Window About fervis

about-purpose = Reads facial expressions live.
about-privacy = Everything runs on this computer. Nothing is saved unless you record, and nothing is sent unless you switch on a stream.
about-estimate = The bars are a network's estimate of the expression a face shows. They do not say what a person feels.
about-detector = Face detector
about-second-detector = Second detector
about-short-range = BlazeFace short range, MediaPipe (Apache-2.0)
about-mesh = Face mesh, MediaPipe (Apache-2.0)
about-seetaface = SeetaFace through rustface (BSD-2-Clause)
about-device = Device
about-not-started = not started
about-network = Network
about-not-loaded = not loaded
about-architecture = Architecture
about-parameters = Parameters
about-millions = { $n } million
about-license = License: { $license }
about-change = Change…

## Window Keyboard shortcuts

# Two keys, and the first and the last of a row of keys.
keys-and = { $a } and { $b }
keys-to = { $a } to { $b }
keys-or-double-click = { $key } or double click
keys-zoom = { $plus }, Minus and 0
keys-open = Open
keys-file = Image or video
keys-folder = Folder of images
keys-session = Recorded session
keys-sessions = List of sessions
keys-checkpoint = Checkpoint
keys-camera = Camera, in the order of the menu
keys-record-toggle = Start and stop
keys-record-pause = Pause and resume
keys-mark-with-note = Set marker with note
keys-mark-own-words = Set marker with your own words
keys-marker-keys = Words of the marker keys
keys-about = Who and what
keys-replay = Replay
keys-add-marker = Add a marker
keys-exclude = Exclude from here, and to here
keys-timeline = Timeline of the last minute
keys-name-face = Name the first face, then the next
keys-fullscreen = Full screen and back
keys-text-size = Larger, smaller and normal text
keys-privacy = Privacy: pixelate, blur, off
keys-smoothing = Less and more smoothing
keys-averaging = Mirror averaging
keys-neutral = Set neutral, and forget it
keys-uncertain = Lower and higher “uncertain” threshold
keys-face-size = Smaller and larger minimum face size
keys-websocket = WebSocket on and off
keys-osc = OSC on and off
keys-osc-markers = Markers from OSC on and off
keys-windows = Menus and windows
keys-open-menu = Open a menu, then arrow keys and Enter
keys-tab = Next control
keys-close = Close menu or window
keys-list = Show this list
keys-play = Play and pause
keys-skip = Back and forward 5 seconds
play-start = Go to start
keys-step = Step back and forward
keys-speed = Slower and faster
keys-loop = Loop

## What a session is about

field-participant = Participant
field-name = Session name
field-condition = Condition
field-note = Note
session-rename-title = Rename session
session-about-hint = For the sessions that you record next; it stands in their exports.

## Markers and excluded spans

marker = Marker
# The time is that of the recording.
marker-set = Marker { $number } · { $time }
marker-keys-title = Marker keys
marker-keys-use = While you record, a digit sets a marker with these words.
marker-keys-kept = They are remembered, and each session.json lists them.
marker-keys-key = Key { $number }
annotation-excluded = Excluded span
annotation-what = What happened
annotation-why = Why
annotation-time = Time
annotation-from = From
annotation-until = Until
annotation-times = Write times as 12:04.5.
annotation-order = The span ends before it begins.
annotation-undone = Undone
annotation-not-undone = Nothing to undo
annotation-not-kept = Annotations are not kept: { $reason }.
annotation-shown-only = What you said about the session is shown, but not kept.
annotation-excluding = Excluding from { $from }: press X again at the end
annotation-excluded-span = Excluded { $from } to { $to }
annotation-none-excluded = Nothing excluded
annotation-deleted = Deleted at { $time }; { $key } brings it back

## Networks

network-now = Now using “{ $name }”.
network-still = Still using “{ $name }”.
network-choose = Choose another one in the Model menu.
network-not-kept = Your choice counts until another network is opened.
assume-title = Network of another program
assume-why = “{ $name }” does not say how it was made.
assume-kept = Kept in { $file }, beside the network.
assume-use = Use
assume-outputs = Outputs
assume-as-named = as named below
assume-alphabetical = alphabetical
assume-in-order = In order
assume-channels = Channels
assume-gray = gray, three times
assume-rgb = red, green, blue
assume-bgr = blue, green, red
assume-values = Values
assume-imagenet = ImageNet's
assume-numbers-below = by the numbers below
assume-mean = Mean
assume-deviation = Deviation
assume-count = The network has { $outputs } outputs, and { $names } are named.
assume-numbers = { $name } must be one number, or three with commas.

## The question before a recording ends

guard-question = Recording for { $time }. { $question }
guard-key = Stop?
guard-closing = Stop and close?
guard-close = Stop and close
guard-source = Stop and open another source?
guard-open = Stop and open
guard-kept = What was recorded is kept.
guard-keep = Keep recording
guard-keys = R stops, Escape keeps recording.

## Window Analyze many

many-title = Analyze many
many-purpose = Every frame of every video is analyzed. Finished files are skipped.
many-add-files = Add files…
many-add-folder = Add folder…
many-drop = or drop them here
many-remove = Remove
many-results = Results in
many-choose = Choose…
many-no-folder = no folder yet
many-names = Names say
many-jobs = At the same time
many-start = Start
many-stop = Stop
many-stopping = Stopping…
many-looking = Looking for files…
many-tables = Writing tables…
many-progress = { $done } of { $all } files
many-finished-before =
    { $count ->
        [one] { $count } more was finished before
       *[other] { $count } more were finished before
    }
many-frames =
    { $count ->
        [one] { $count } frame
       *[other] { $count } frames
    }
many-report = { $files } files: { $analyzed } analyzed, { $finished } finished before, { $failed } failed
many-stopped = Stopped after { $done } of { $all } files. Start again to resume.
many-done =
    { $count ->
        [one] Analyzed { $count } file.
       *[other] Analyzed { $count } files.
    }
many-failed = Analyzed { $done } of { $all } files; { $failed } failed.

## Work on recorded sessions

tool-canceling = Canceling…
tool-loading = Loading { $network }
tool-opening = Opening { $session }
tool-reads = { $network } reads { $session }
tool-reads-one-of = { $network } reads { $session } ({ $at } of { $all })
tool-hides = Hiding faces in { $session }
tool-sessions =
    { $count ->
        [one] { $count } session
       *[other] { $count } sessions
    }
tool-read = { $network } has read { $sessions }.
tool-read-agreement = { $network } has read { $session }: the same label as before for { $percent } % of the faces.
tool-read-before = { $network } had read { $sessions } before.
tool-open = Open
tool-replace = Replace
tool-more-failed =
    { $count ->
        [one] { $count } more session could not be read.
       *[other] { $count } more sessions could not be read.
    }
tool-canceled = Canceled; nothing was written.
tool-canceled-after = Canceled; what was finished stays.
tool-shared = { $session } with hidden faces is in { $folder }.
tool-old-boxes = It has no clean video, so the boxes of the recording stay visible.

## Window Share a copy with hidden faces

share-title = Share a copy with hidden faces
share-video = The video of { $session }
share-limits = The session stays as it is. Hair, clothes, posture and the room stay visible.
share-faces = Faces
share-pixelated = Pixelated
share-blurred = Blurred
share-without-boxes = Without
share-with-boxes = With
share-both = A video of each
share-visible = Leave visible
share-visible-hint = no face; or numbers, such as 1, 3
share-not-a-number = “{ $word }” is not the number of a face. Write numbers, such as 1, 3.
share-folder = New folder in
share-make = Make copy

## Window Compare sessions

compare-title = Compare sessions
compare-reading = Reading sessions
compare-canceled = Canceled. Choose what groups are made of to compare again.
compare-save-table = Save table…
compare-save-picture = Save picture…
compare-by =
    { $count ->
        [one] { $count } session by
       *[other] { $count } sessions by
    }
compare-participant = participant
compare-session = session
compare-condition = condition
compare-saved = Saved to { $file }.
compare-picture = Shares of time of each group, as bars with their intervals

## Messages

severity-note = Note
severity-warning = Warning
severity-error = Error
notices = Messages
notices-dismiss = Dismiss
neutral-hold = Hold a resting face for three seconds
session-no-thread = cannot start a thread to play the session: { $reason }
recorded-replay = Replay
recorded-rename = Rename
settings-unreadable = { $file }: settings could not be read ({ $reason }). Using the defaults.
settings-damaged = { $file }: settings are damaged ({ $reason }). Using the defaults.

## A setting that has just changed

changed-on = { $name } on
changed-off = { $name } off
changed-zoom = Size { $percent } %
changed-smoothing = Smoothing { $ms } ms
changed-smoothing-off = Smoothing off
changed-uncertain = Uncertain below { $percent } %
changed-own-threshold = The network's own threshold
changed-all-detectors = All face detectors
changed-rustface = rustface alone
changed-min-face = Minimum face size { $px } px
changed-privacy-off = Faces shown
changed-privacy-pixelate = Faces pixelated
changed-privacy-blur = Faces blurred

## Live outputs

stream-unavailable = This build has no live outputs (feature `stream`)
stream-values-only = Values only; frames are never sent.
stream-local = Only programs on this computer can read them.
stream-exposed-values = Anyone on the network can read the values.
stream-websocket = WebSocket at { $address }
stream-websocket-hint = One JSON message per analyzed frame, to every client; clients may set markers
stream-osc = OSC to { $address }
stream-osc-hint = Messages under /fervis for each analyzed frame
stream-osc-markers = Markers from OSC at { $address }
stream-osc-markers-hint = The message /fervis/marker sets a marker in the recording
stream-osc-markers-name = OSC markers
stream-port = { $output } port
stream-on-network = Streaming to the network
stream-on-network-hint = Anyone on the network can read the facial expressions of people in front of the camera
stream-on-computer = Streaming on this computer
stream-on-computer-hint = Programs on this computer can read the values; frames are never sent
stream-clients =
    { $count ->
        [0] { $output }, no clients
        [one] { $output }, { $count } client
       *[other] { $output }, { $count } clients
    }
stream-refused =
    { $count ->
        [one] { $count } marker refused
       *[other] { $count } markers refused
    }
stream-refused-hint = Markers of other programs that came without a recording, too fast, or unreadable
stream-exposed = { $output } is open to the network at { $address }. Anyone there can read the facial expressions of people in front of the camera.
stream-stays-off = { $output } stays off: { $reason }.

## File dialogs

dialog-file = Open image or video
dialog-images-and-videos = Images and videos
dialog-all-files = All files
dialog-folder = Open folder of images
dialog-session = Open session
dialog-checkpoint = Open checkpoint
dialog-checkpoints = Checkpoints
dialog-recordings = Recordings folder
dialog-add-videos = Add videos
dialog-videos = Videos
dialog-add-folder = Add folder of videos
dialog-results = Folder for the results
dialog-share = Folder for the copy
dialog-save-table = Save table
dialog-save-picture = Save picture
dialog-unavailable = No file chooser found.
dialog-instead-source = Drop the file here, or start with it: fervis --source PATH
dialog-instead-checkpoint = Drop the file here, or start with it: fervis --checkpoint FILE
dialog-instead-second = Start with it: fervis --second FILE
dialog-instead-sessions = To record to another folder: fervis record SOURCE --out FOLDER
dialog-instead-many = Drop files and folders on the window, or use: fervis analyze FOLDER --out RESULTS
dialog-instead-reader = To read a session with a file: fervis reanalyze SESSION --checkpoint FILE
dialog-instead-share = For another folder: fervis redraw SESSION --hide-faces pixelate --out FOLDER
dialog-instead-table = To save the table: fervis summarize SESSIONS --csv FILE.csv
dialog-instead-picture = To save the picture: fervis summarize SESSIONS --plot FILE.svg
dialog-instead-export = To export the session: fervis export SESSION --format { $format } --out FILE.{ $extension }

## The view

preview-no-face = Frame, no face
preview-faces = Frame: { $faces }
preview-ended = { $name }: end of file
preview-empty = it contains no frame

## Two networks

second-now = Second network: { $name }
second-gone = No second network
second-bars = Upper bar: { $first }. Lower bar: { $second }.
second-agreement = Same label: { $percent } % of the last minute.
second-agreement-hint = How often both networks gave a face the same label, counted in every frame

## The state of the source

state-starting-camera = Starting the camera
state-opening = Opening
state-no-camera = fervis reads facial expressions from a camera, a video or an image, on this computer. Connect a camera; it starts automatically.
state-lost = Camera lost
state-unavailable = Camera unavailable
state-retried = { $reason } fervis retries every second.
state-camera-failed = Camera failed
state-failed = Cannot open this source
state-run-demo = Run the demo
state-open-file = Open a file…
state-drop = Drop to open
state-drop-what = Image, video, folder of images, session, or checkpoint
state-open-again = Open again

## The red pill during a recording

alarm-silence = No frames for { $seconds } s
alarm-less-than-a-minute = Disk almost full: less than a minute left
alarm-minutes = Disk almost full: about { $minutes } min left
alarm-space = Disk almost full: { $megabytes } MB left

## Exports

export-no-thread = Cannot start a thread to export the session: { $reason }.
export-exists = { $file } exists already. Delete it, or choose another name.
export-done = { $format } written to { $files }.

## The timeline of a session

replay-values-only = values only
replay-no-video = the session has no video
replay-no-thread = cannot start a thread to read it: { $reason }
replay-all-faces = All faces
replay-recorded-only = Recorded only
replay-with = With { $network }
replay-with-agreement = With { $network } (agrees { $percent } %)
replay-by = { $face } by { $network }
replay-smoothed = Smoothed
replay-raw = Raw
replay-areas = Areas
replay-lines = Lines
replay-events = Events
replay-zoom-in = Zoom in
replay-zoom-out = Zoom out
replay-zoom-fit = Zoom to fit
replay-nothing = Nothing was recorded.
replay-no-face = No face was seen.
replay-not-seen = not seen
replay-lane = { $name } from { $from } to { $to }, now { $now }
replay-no-events = No events
replay-edit = Edit…
replay-edit-hint = Change its time and its words
replay-move = Move here
replay-move-hint = Move it to where the session plays
replay-delete = Delete
replay-delete-hint = { $key } brings it back
replay-video-missing = { $reason }; only the values of the session are shown
replay-not-named = Uncertain or turned away

## Events of a session

event-excluded = Excluded until { $time }
event-detail = { $event }: { $detail }
event-started = Recording started
event-stopped = Recording stopped
event-paused = Paused
event-resumed = Resumed
event-checkpoint = Network
event-source-lost = Camera lost
event-source-back = Camera back
event-part = New video part
event-privacy = Privacy
event-blink = Blink
event-settings = Settings
event-refused = Frames dropped

## Faces

face-number = Face { $number }
faces = Faces
faces-legend = Bar: average. Tick: latest frame.
faces-legend-corrected = Bar: average. Tick: latest frame. Thin bar: corrected by the resting face.
faces-loading = Loading the network
faces-loading-hint = Probabilities appear as soon as it is ready.
faces-no-network = No network
faces-no-network-hint = Choose a checkpoint in the Model menu to see probabilities.
faces-searching = Searching for faces
faces-searching-hint = In a large picture this takes a few seconds.
faces-none = No face in view
faces-none-hint = Look toward the camera, in even light. Faces smaller than { $px } px are ignored; change this in the View menu.
faces-not-seen = No face here
faces-not-seen-hint = The session has no face at this time.
faces-no-frame = No frame yet
faces-no-frame-hint = Faces and their probabilities appear here.
face-show = Show face
face-show-hint = Show this face until it leaves the frame
face-pose = yaw { $yaw }°  pitch { $pitch }°  roll { $roll }°
face-eyes = eyes { $right } { $left }  mouth { $mouth }
face-pose-hint = Head pose in degrees: yaw toward the right of the frame, pitch up, roll clockwise. Eyes (right, left) and mouth: opening, height over width.
face-strip-hint = The last minute. Short lines at the bottom are blinks.
face-values = { $label }: average { $average }, latest frame { $latest }
face-corrected = { $values }, corrected { $corrected }
face-last-minute = Last minute of { $who }: { $seconds } s in view
timeline-empty = Faces of the last minute appear here.
face-absent = Face { $number }, not in view now
face-portrait = Portrait of { $who }
face-name-hint = Click to name this face (F2)
face-name-of = Name of face { $number }
face-second = { $values }, second network { $second }

## Window Sessions

sessions-title = Sessions
sessions-name = Name
sessions-date = Date
sessions-length = Length
sessions-faces = Faces
sessions-markers = Markers
sessions-size = Size
sessions-sort = Sort by { $column }
sessions-unfinished = { $name } (not finished)
sessions-search = Search
sessions-search-hint = name, participant, condition, note, date
sessions-so-far = { $count } so far…
sessions-count =
    { $count ->
        [one] { $count } session
       *[other] { $count } sessions
    }
sessions-shown =
    { $all ->
        [one] { $shown } of { $all } session
       *[other] { $shown } of { $all } sessions
    }
sessions-refresh = Refresh
sessions-none = No session in { $folder } yet.
sessions-no-match = No session fits.
sessions-choose = Choose a session; a double click opens it.
sessions-trash-question = Move “{ $name }” to the trash?
sessions-trash = Move to trash
sessions-trash-ask = Move to trash…
sessions-keep = Keep
sessions-open = Open
sessions-rename = Rename…
sessions-export = Export
sessions-no-thread = Cannot start a thread to list the sessions: { $reason }.
sessions-in-use = { $folder } is being recorded. Stop the recording first.
sessions-trashed = { $folder } is in the trash.
sessions-not-trashed = { $folder } could not be moved to the trash, and stays: { $reason }.
sessions-not-shown = { $folder } cannot be shown: { $reason }.
sessions-program-failed = { $program } ended with { $status }
sessions-no-program = { $program } cannot be started ({ $reason })
sessions-choose-several = Ctrl or Shift and a click choose several, to compare them.
sessions-share = Share a copy…
sessions-chosen =
    { $count ->
        [one] { $count } session is chosen.
       *[other] { $count } sessions are chosen.
    }
sessions-compare = Compare…

## Playback

play-play = Play
play-pause = Pause
play-step-back = Step back
play-step-forward = Step forward
play-back = Back 5 seconds
play-forward = Forward 5 seconds
play-slower = Slower
play-faster = Faster
play-position = Position
play-speed = Speed { $speed }×
play-speed-hint = Playback speed
play-unavailable = For videos, animations and folders
play-picture = picture { $number }
play-picture-of = picture { $number } of { $all }
play-of = { $number } of { $all }

## The recording in the menu bar

bar-record = Record
bar-starting = starting…
bar-mark-hint = Set marker ({ $key }); with a note: { $key_with_note }
bar-about-hint = Who and what the next recording is about
bar-note = What happened?
bar-recording = Recording { $status }
bar-finishing = finishing…
bar-markers =
    { $count ->
        [one] { $count } marker
       *[other] { $count } markers
    }
bar-dropped = { $count } dropped
bar-free = { $size } free
bar-details = { $captured } frames, { $analyzed } analyzed, { $recorded } in the video, { $faces } faces
bar-free-on-disk = { $size } free on disk
bar-paused = paused { $time }

## How recordings ended

recorded-repaired = Recording { $folder } was interrupted. It has been repaired and has { $frames } frames ({ $time }).
recorded-failed = { $reason } Recording to { $folder } has stopped.
recorded = Recorded { $time } to { $folder }.
recorded-dropped = { $dropped } of { $captured } frames were dropped because they could not be written in time.

## The status bar

status-starting = starting
status-live = live
status-paused = paused
status-playing = playing
status-no-camera = no camera
status-lost = lost
status-waiting = waiting
status-failed = failed
status-photo = photo
status-ended = ended
status-changed =
    { $count ->
        [one] { $count } setting changed · Reset
       *[other] { $count } settings changed · Reset
    }
status-changed-hint = { $settings }. Click to reset to the defaults.
status-loading-another = { $name }, loading another…
status-loading = loading network…
status-no-network = no network
status-network-hint = Current network
status-starting-device = starting device…
status-device-hint = Device that runs the network
status-analysis = analysis
status-analysis-hint = Frames analyzed per second
status-analysis-more = Frames analyzed per second. Statistics in the View menu shows more.
status-capture = capture
status-capture-hint = Frames captured per second
status-latency = latency
status-latency-hint = Time from capture to result: median and 95th percentile
status-dropped = dropped
status-dropped-hint = Frames not analyzed since the source was opened, because analysis was too slow
status-damaged = damaged
status-damaged-hint = Damaged frames skipped since the source was opened
