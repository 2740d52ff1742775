# The texts of the window in German. English is the source: a text that is missing here appears in English.
# How to add a text or a language: CONTRIBUTING.md.

## Labels of faces

label-angry = Ärger
label-disgust = Ekel
label-fear = Angst
label-happy = Freude
label-sad = Trauer
label-surprise = Überraschung
label-neutral = neutral
label-uncertain = unsicher
label-turned-away = abgewandt

## Buttons and words of several places

save = Speichern
cancel = Abbrechen
clear = Leeren
no-thread = Es ließ sich kein Thread starten: { $reason }.
show-folder = Ordner zeigen

## Menus

menu-file = Datei
menu-source = Quelle
menu-playback = Wiedergabe
menu-model = Modell
menu-record = Aufnahme
menu-view = Ansicht
menu-stream = Stream
menu-help = Hilfe

## Menu File

file-open-file = Bild oder Video öffnen…
file-open-folder = Ordner öffnen…
file-open-session = Sitzung öffnen…
file-open-checkpoint = Checkpoint öffnen…
file-sessions = Sitzungen…
file-recent = Letzte Sitzungen
file-recent-files = Zuletzt geöffnet
file-export = Sitzung exportieren
file-read-again = Neu analysieren mit
file-choose-network = Datei wählen…
file-share = Kopie mit verdeckten Gesichtern weitergeben…
file-many = Viele analysieren…
file-quit = Beenden

## Formats of exports

format-webvtt = Untertitel (WebVTT)
format-srt = Untertitel (SRT)
format-elan = ELAN-Dokument
format-bids = BIDS-Ereignisse
format-py-feat = Tabelle für py-feat (CSV)
format-parquet = Parquet-Tabellen
format-summary = Zusammenfassung je Gesicht (CSV)
format-svg = Diagramme (SVG)
format-png = Diagramme (PNG)

## Menu Source

source-searching = Kameras werden gesucht…
source-none = Keine Kamera gefunden
source-demo = Demo
source-play-again = Erneut abspielen
source-refresh = Kameras neu suchen

## Menu Model

model-fervis-plus = wie Menschen ein Gesicht beurteilen: die Wahl für Live-Bilder
model-fervis = nach FER-2013: zum Vergleich mit Veröffentlichungen
model-three-block = klein und einfach: für den Unterricht
model-recent = Zuletzt verwendet
model-in-folder = { $file } in { $folder }
model-second = Zweites Netz
model-second-none = Keines
model-second-note = liest dieselben Gesichter, zum Vergleich

## Menu Record

record-start = Aufnahme starten
record-stop = Aufnahme beenden
record-pause = Aufnahme anhalten
record-resume = Aufnahme fortsetzen
record-mark = Markierung setzen
record-mark-with-note = Markierung mit Notiz setzen…
record-exclude-from = Ab hier ausschließen
record-exclude-to = Bis hier ausschließen
record-undo = Rückgängig
record-video-annotated = Video mit Rahmen
record-video-clean = Video ohne Rahmen
record-video-both = Beide Videos
record-video-none = Nur Werte, kein Video
record-about = Wer und was…
record-marker-keys = Markierungstasten…
record-folder = Aufnahmeordner…
record-folder-now = Zurzeit { $folder }

## Menu View

view-mirror = Spiegeln
view-boxes = Rahmen
view-mesh = Gesichtsnetz
view-bars = Balken
view-fullscreen = Vollbild
view-timeline = Zeitleiste
view-statistics = Statistik
view-privacy = Privatsphäre
view-privacy-key = Umschalten mit { $key }
view-privacy-off = Aus
view-privacy-pixelate = Gesichter verpixeln
view-privacy-blur = Gesichter weichzeichnen
view-smoothing = Glättung
view-averaging = Spiegelmittelung (langsamer; hilft nur „fervis“)
view-set-neutral = Ruhegesicht lernen
view-forget-neutral = Ruhegesicht vergessen
view-uncertain = Unsicher unter
view-own-threshold = Schwelle des Netzes verwenden
view-min-face = Mindestgröße von Gesichtern
view-rustface = Gesichter nur mit rustface suchen
view-theme = Design
view-follow-system = Wie das System
view-theme-light = Hell
view-theme-dark = Dunkel
view-language = Sprache

## Menu Help

help-keyboard = Tastenkürzel
help-about = Über fervis

## Window About fervis

about-purpose = Liest Gesichtsausdrücke live.
about-privacy = Alles läuft auf diesem Computer. Gespeichert wird nur, was Sie aufnehmen, und gesendet wird nur, wenn Sie einen Stream einschalten.
about-estimate = Die Balken sind die Schätzung eines neuronalen Netzes, welchen Ausdruck ein Gesicht zeigt. Sie sagen nicht, was ein Mensch fühlt.
about-detector = Gesichtsdetektor
about-second-detector = Zweiter Detektor
about-short-range = BlazeFace Nahbereich, MediaPipe (Apache-2.0)
about-mesh = Face Mesh, MediaPipe (Apache-2.0)
about-seetaface = SeetaFace über rustface (BSD-2-Clause)
about-device = Gerät
about-not-started = nicht gestartet
about-network = Netz
about-not-loaded = nicht geladen
about-architecture = Architektur
about-parameters = Parameter
about-millions = { $n } Mio.
about-license = Lizenz: { $license }
about-change = Ändern…

## Window Keyboard shortcuts

# Two keys, and the first and the last of a row of keys.
keys-and = { $a } und { $b }
keys-to = { $a } bis { $b }
keys-or-double-click = { $key } oder Doppelklick
keys-zoom = { $plus }, Minus und 0
keys-open = Öffnen
keys-file = Bild oder Video
keys-folder = Ordner mit Bildern
keys-session = Aufgenommene Sitzung
keys-sessions = Liste der Sitzungen
keys-checkpoint = Checkpoint
keys-camera = Kamera, in der Reihenfolge des Menüs
keys-record-toggle = Starten und beenden
keys-record-pause = Anhalten und fortsetzen
keys-mark-with-note = Markierung mit Notiz setzen
keys-mark-own-words = Markierung mit eigenen Worten setzen
keys-marker-keys = Worte der Markierungstasten
keys-about = Wer und was
keys-replay = Sitzung abspielen
keys-add-marker = Markierung hinzufügen
keys-exclude = Ab hier und bis hier ausschließen
keys-timeline = Zeitleiste der letzten Minute
keys-name-face = Das erste Gesicht benennen, dann das nächste
keys-fullscreen = Vollbild und zurück
keys-text-size = Größere, kleinere und normale Schrift
keys-privacy = Privatsphäre: verpixeln, weichzeichnen, aus
keys-smoothing = Weniger und mehr Glättung
keys-averaging = Spiegelmittelung
keys-neutral = Ruhegesicht lernen und vergessen
keys-uncertain = Schwelle für „unsicher“ senken und heben
keys-face-size = Mindestgröße von Gesichtern ändern
keys-websocket = WebSocket ein und aus
keys-osc = OSC ein und aus
keys-osc-markers = Markierungen über OSC ein und aus
keys-windows = Menüs und Fenster
keys-open-menu = Menü öffnen, dann Pfeiltasten und Enter
keys-tab = Nächstes Bedienelement
keys-close = Menü oder Fenster schließen
keys-list = Diese Liste zeigen
keys-play = Abspielen und anhalten
keys-skip = 5 Sekunden zurück und vor
play-start = Zum Anfang
keys-step = Ein Bild zurück und vor
keys-speed = Langsamer und schneller
keys-loop = Wiederholen

## What a session is about

field-participant = Teilnehmer
field-name = Name der Sitzung
field-condition = Bedingung
field-note = Notiz
session-rename-title = Sitzung umbenennen
session-about-hint = Für die nächsten Sitzungen, die Sie aufnehmen; steht auch in deren Exporten.

## Markers and excluded spans

marker = Markierung
# The time is that of the recording.
marker-set = Markierung { $number } · { $time }
marker-keys-title = Markierungstasten
marker-keys-use = Während der Aufnahme setzt eine Ziffer eine Markierung mit diesen Worten.
marker-keys-kept = Sie bleiben gespeichert und stehen in jeder session.json.
marker-keys-key = Taste { $number }
annotation-excluded = Ausgeschlossener Abschnitt
annotation-what = Was geschah
annotation-why = Warum
annotation-time = Zeit
annotation-from = Von
annotation-until = Bis
annotation-times = Schreiben Sie Zeiten als 12:04.5.
annotation-order = Der Abschnitt endet, bevor er beginnt.
annotation-undone = Rückgängig gemacht
annotation-not-undone = Nichts rückgängig zu machen
annotation-not-kept = Anmerkungen werden nicht gespeichert: { $reason }.
annotation-shown-only = Ihre Angaben zur Sitzung werden angezeigt, aber nicht gespeichert.
annotation-excluding = Ausgeschlossen ab { $from }: am Ende erneut X drücken
annotation-excluded-span = { $from } bis { $to } ausgeschlossen
annotation-none-excluded = Nichts ausgeschlossen
annotation-deleted = Gelöscht bei { $time }; { $key } stellt es wieder her

## Networks

network-now = „{ $name }“ wird jetzt verwendet.
network-still = „{ $name }“ bleibt in Gebrauch.
network-choose = Wählen Sie im Menü „Modell“ ein anderes.
network-not-kept = Ihre Wahl gilt, bis ein anderes Netz geöffnet wird.
assume-title = Netz eines anderen Programms
assume-why = „{ $name }“ sagt nicht, wie es entstanden ist.
assume-kept = Wird in { $file } neben dem Netz gespeichert.
assume-use = Verwenden
assume-outputs = Ausgaben
assume-as-named = wie unten benannt
assume-alphabetical = alphabetisch
assume-in-order = Reihenfolge
assume-channels = Kanäle
assume-gray = Grau, dreifach
assume-rgb = Rot, Grün, Blau
assume-bgr = Blau, Grün, Rot
assume-values = Werte
assume-imagenet = wie ImageNet
assume-numbers-below = nach den Zahlen unten
assume-mean = Mittelwert
assume-deviation = Abweichung
assume-count = Das Netz hat { $outputs } Ausgaben, benannt sind { $names }.
assume-numbers = { $name }: eine Zahl oder drei mit Kommas.

## The question before a recording ends

guard-question = Aufnahme seit { $time }. { $question }
guard-key = Beenden?
guard-closing = Beenden und schließen?
guard-close = Beenden und schließen
guard-source = Beenden und andere Quelle öffnen?
guard-open = Beenden und öffnen
guard-kept = Das Aufgenommene bleibt erhalten.
guard-keep = Weiter aufnehmen
guard-keys = R beendet, Escape nimmt weiter auf.

## Window Analyze many

many-title = Viele analysieren
many-purpose = Jedes Bild jedes Videos wird analysiert. Fertige Dateien werden übersprungen.
many-add-files = Dateien hinzufügen…
many-add-folder = Ordner hinzufügen…
many-drop = oder hier ablegen
many-remove = Entfernen
many-results = Ergebnisse in
many-choose = Wählen…
many-no-folder = noch kein Ordner
many-names = Namen besagen
many-jobs = Gleichzeitig
many-start = Starten
many-stop = Stopp
many-stopping = Wird gestoppt…
many-looking = Dateien werden gesucht…
many-tables = Tabellen werden geschrieben…
many-progress = { $done } von { $all } Dateien
many-finished-before =
    { $count ->
        [one] { $count } weitere war schon fertig
       *[other] { $count } weitere waren schon fertig
    }
many-frames =
    { $count ->
        [one] { $count } Bild
       *[other] { $count } Bilder
    }
many-report = { $files } Dateien: { $analyzed } analysiert, { $finished } schon fertig, { $failed } fehlgeschlagen
many-stopped = Nach { $done } von { $all } Dateien gestoppt. Starten Sie erneut, um fortzufahren.
many-done =
    { $count ->
        [one] { $count } Datei analysiert.
       *[other] { $count } Dateien analysiert.
    }
many-failed = { $done } von { $all } Dateien analysiert, { $failed } fehlgeschlagen.

## Work on recorded sessions

tool-canceling = Wird abgebrochen…
tool-loading = { $network } wird geladen
tool-opening = { $session } wird geöffnet
tool-reads = { $network } liest { $session }
tool-reads-one-of = { $network } liest { $session } ({ $at } von { $all })
tool-hides = Gesichter in { $session } werden verdeckt
tool-sessions =
    { $count ->
        [one] { $count } Sitzung
       *[other] { $count } Sitzungen
    }
tool-read = { $network } hat { $sessions } gelesen.
tool-read-agreement = { $network } hat { $session } gelesen: bei { $percent } % der Gesichter derselbe Ausdruck wie zuvor.
tool-read-before = { $network } hatte { $sessions } schon gelesen.
tool-open = Öffnen
tool-replace = Ersetzen
tool-more-failed =
    { $count ->
        [one] { $count } weitere Sitzung konnte nicht gelesen werden.
       *[other] { $count } weitere Sitzungen konnten nicht gelesen werden.
    }
tool-canceled = Abgebrochen; nichts wurde geschrieben.
tool-canceled-after = Abgebrochen; was fertig war, bleibt.
tool-shared = { $session } mit verdeckten Gesichtern ist in { $folder }.
tool-old-boxes = Es gibt kein Video ohne Rahmen, deshalb bleiben die Rahmen der Aufnahme sichtbar.

## Window Share a copy with hidden faces

share-title = Kopie mit verdeckten Gesichtern weitergeben
share-video = Das Video von { $session }
share-limits = Die Sitzung bleibt, wie sie ist. Haare, Kleidung, Haltung und der Raum bleiben sichtbar.
share-faces = Gesichter
share-pixelated = Verpixelt
share-blurred = Weichgezeichnet
share-without-boxes = Ohne
share-with-boxes = Mit
share-both = Je ein Video
share-visible = Sichtbar lassen
share-visible-hint = kein Gesicht; oder Nummern wie 1, 3
share-not-a-number = „{ $word }“ ist nicht die Nummer eines Gesichts. Schreiben Sie Nummern wie 1, 3.
share-folder = Neuer Ordner in
share-make = Kopie erstellen

## Window Compare sessions

compare-title = Sitzungen vergleichen
compare-reading = Sitzungen werden gelesen
compare-canceled = Abgebrochen. Wählen Sie, woraus Gruppen bestehen, um erneut zu vergleichen.
compare-save-table = Tabelle speichern…
compare-save-picture = Bild speichern…
compare-by =
    { $count ->
        [one] { $count } Sitzung nach
       *[other] { $count } Sitzungen nach
    }
compare-participant = Teilnehmer
compare-session = Sitzung
compare-condition = Bedingung
compare-saved = Gespeichert in { $file }.
compare-picture = Zeitanteile jeder Gruppe, als Balken mit ihren Intervallen

## Messages

severity-note = Hinweis
severity-warning = Warnung
severity-error = Fehler
notices = Meldungen
notices-dismiss = Schließen
neutral-hold = Drei Sekunden lang ein Ruhegesicht halten
session-no-thread = Es ließ sich kein Thread zum Abspielen der Sitzung starten: { $reason }
recorded-replay = Abspielen
recorded-rename = Umbenennen
settings-unreadable = { $file }: Die Einstellungen ließen sich nicht lesen ({ $reason }). Es gelten die Voreinstellungen.
settings-damaged = { $file }: Die Einstellungen sind beschädigt ({ $reason }). Es gelten die Voreinstellungen.

## A setting that has just changed

changed-on = { $name } ein
changed-off = { $name } aus
changed-zoom = Größe { $percent } %
changed-smoothing = Glättung { $ms } ms
changed-smoothing-off = Glättung aus
changed-uncertain = Unsicher unter { $percent } %
changed-own-threshold = Schwelle des Netzes
changed-all-detectors = Alle Gesichtsdetektoren
changed-rustface = nur rustface
changed-min-face = Mindestgröße { $px } px
changed-privacy-off = Gesichter sichtbar
changed-privacy-pixelate = Gesichter verpixelt
changed-privacy-blur = Gesichter weichgezeichnet

## Live outputs

stream-unavailable = Dieser Build hat keine Live-Ausgaben (Feature `stream`)
stream-values-only = Nur Werte; Bilder werden nie gesendet.
stream-local = Nur Programme auf diesem Computer können sie lesen.
stream-exposed-values = Jeder im Netzwerk kann die Werte lesen.
stream-websocket = WebSocket unter { $address }
stream-websocket-hint = Je analysiertem Bild eine JSON-Nachricht an alle Clients; Clients können Markierungen setzen
stream-osc = OSC an { $address }
stream-osc-hint = Nachrichten unter /fervis für jedes analysierte Bild
stream-osc-markers = Markierungen über OSC unter { $address }
stream-osc-markers-hint = Die Nachricht /fervis/marker setzt eine Markierung in der Aufnahme
stream-osc-markers-name = OSC-Markierungen
stream-port = Port für { $output }
stream-on-network = Stream ins Netzwerk
stream-on-network-hint = Jeder im Netzwerk kann die Gesichtsausdrücke der Menschen vor der Kamera lesen
stream-on-computer = Stream auf diesem Computer
stream-on-computer-hint = Programme auf diesem Computer können die Werte lesen; Bilder werden nie gesendet
stream-clients =
    { $count ->
        [0] { $output }, keine Clients
        [one] { $output }, { $count } Client
       *[other] { $output }, { $count } Clients
    }
stream-refused =
    { $count ->
        [one] { $count } Markierung abgelehnt
       *[other] { $count } Markierungen abgelehnt
    }
stream-refused-hint = Markierungen anderer Programme, die ohne Aufnahme, zu schnell oder unlesbar kamen
stream-exposed = { $output } ist unter { $address } für das Netzwerk offen. Jeder dort kann die Gesichtsausdrücke der Menschen vor der Kamera lesen.
stream-stays-off = { $output } bleibt aus: { $reason }.

## File dialogs

dialog-file = Bild oder Video öffnen
dialog-images-and-videos = Bilder und Videos
dialog-all-files = Alle Dateien
dialog-folder = Ordner mit Bildern öffnen
dialog-session = Sitzung öffnen
dialog-checkpoint = Checkpoint öffnen
dialog-checkpoints = Checkpoints
dialog-recordings = Aufnahmeordner
dialog-add-videos = Videos hinzufügen
dialog-videos = Videos
dialog-add-folder = Ordner mit Videos hinzufügen
dialog-results = Ordner für die Ergebnisse
dialog-share = Ordner für die Kopie
dialog-save-table = Tabelle speichern
dialog-save-picture = Bild speichern
dialog-unavailable = Keine Dateiauswahl gefunden.
dialog-instead-source = Legen Sie die Datei hier ab, oder starten Sie damit: fervis --source PATH
dialog-instead-checkpoint = Legen Sie die Datei hier ab, oder starten Sie damit: fervis --checkpoint FILE
dialog-instead-second = Starten Sie damit: fervis --second FILE
dialog-instead-sessions = Aufnahme in einen anderen Ordner: fervis record SOURCE --out FOLDER
dialog-instead-many = Legen Sie Dateien und Ordner auf dem Fenster ab, oder nutzen Sie: fervis analyze FOLDER --out RESULTS
dialog-instead-reader = So liest eine Datei die Sitzung: fervis reanalyze SESSION --checkpoint FILE
dialog-instead-share = In einen anderen Ordner: fervis redraw SESSION --hide-faces pixelate --out FOLDER
dialog-instead-table = So speichern Sie die Tabelle: fervis summarize SESSIONS --csv FILE.csv
dialog-instead-picture = So speichern Sie das Bild: fervis summarize SESSIONS --plot FILE.svg
dialog-instead-export = So exportieren Sie die Sitzung: fervis export SESSION --format { $format } --out FILE.{ $extension }

## The view

preview-no-face = Bild ohne Gesicht
preview-faces = Bild: { $faces }
preview-ended = { $name }: Ende der Datei
preview-empty = Die Datei enthält kein Bild

## Two networks

second-now = Zweites Netz: { $name }
second-gone = Kein zweites Netz
second-bars = Oberer Balken: { $first }. Unterer Balken: { $second }.
second-agreement = Gleiches Ergebnis: { $percent } % der letzten Minute.
second-agreement-hint = Wie oft beide Netze einem Gesicht dasselbe Ergebnis gaben, in jedem Bild gezählt

## The state of the source

state-starting-camera = Kamera wird gestartet
state-opening = Wird geöffnet
state-no-camera = fervis liest Gesichtsausdrücke aus einer Kamera, einem Video oder einem Bild, auf diesem Computer. Schließen Sie eine Kamera an; sie startet von selbst.
state-lost = Kamera getrennt
state-unavailable = Kamera nicht verfügbar
state-retried = { $reason } fervis versucht es jede Sekunde erneut.
state-camera-failed = Kamera ausgefallen
state-failed = Quelle lässt sich nicht öffnen
state-run-demo = Demo starten
state-open-file = Datei öffnen…
state-drop = Zum Öffnen ablegen
state-drop-what = Bild, Video, Ordner mit Bildern, Sitzung oder Checkpoint
state-open-again = Erneut öffnen

## The red pill during a recording

alarm-silence = Seit { $seconds } s kein Bild
alarm-less-than-a-minute = Festplatte fast voll: noch weniger als eine Minute
alarm-minutes = Festplatte fast voll: noch etwa { $minutes } min
alarm-space = Festplatte fast voll: noch { $megabytes } MB

## Exports

export-no-thread = Es ließ sich kein Thread zum Exportieren der Sitzung starten: { $reason }.
export-exists = { $file } gibt es schon. Löschen Sie die Datei, oder wählen Sie einen anderen Namen.
export-done = { $format }: geschrieben nach { $files }.

## The timeline of a session

replay-values-only = nur Werte
replay-no-video = Die Sitzung hat kein Video
replay-no-thread = Es ließ sich kein Thread zum Lesen starten: { $reason }
replay-all-faces = Alle Gesichter
replay-recorded-only = Nur aufgenommen
replay-with = Mit { $network }
replay-with-agreement = Mit { $network } ({ $percent } % gleich)
replay-by = { $face } nach { $network }
replay-smoothed = Geglättet
replay-raw = Roh
replay-areas = Flächen
replay-lines = Linien
replay-events = Ereignisse
replay-zoom-in = Vergrößern
replay-zoom-out = Verkleinern
replay-zoom-fit = Ganz zeigen
replay-nothing = Nichts wurde aufgenommen.
replay-no-face = Kein Gesicht war zu sehen.
replay-not-seen = nicht zu sehen
replay-lane = { $name } von { $from } bis { $to }, jetzt { $now }
replay-no-events = Keine Ereignisse
replay-edit = Bearbeiten…
replay-edit-hint = Zeit und Worte ändern
replay-move = Hierher
replay-move-hint = An die Stelle verschieben, die gerade spielt
replay-delete = Löschen
replay-delete-hint = { $key } stellt es wieder her
replay-video-missing = { $reason }; nur die Werte der Sitzung werden gezeigt
replay-not-named = Unsicher oder abgewandt

## Events of a session

event-excluded = Ausgeschlossen bis { $time }
event-detail = { $event }: { $detail }
event-started = Aufnahme gestartet
event-stopped = Aufnahme beendet
event-paused = Angehalten
event-resumed = Fortgesetzt
event-checkpoint = Netz
event-source-lost = Kamera getrennt
event-source-back = Kamera wieder da
event-part = Neuer Videoteil
event-privacy = Privatsphäre
event-blink = Lidschlag
event-settings = Einstellungen
event-refused = Bilder verworfen

## Faces

face-number = Gesicht { $number }
faces = Gesichter
faces-legend = Balken: Mittel. Strich: letztes Bild.
faces-legend-corrected = Balken: Mittel. Strich: letztes Bild. Dünner Balken: um das Ruhegesicht korrigiert.
faces-loading = Netz wird geladen
faces-loading-hint = Wahrscheinlichkeiten erscheinen, sobald es bereit ist.
faces-no-network = Kein Netz
faces-no-network-hint = Wählen Sie im Menü „Modell“ einen Checkpoint, um Wahrscheinlichkeiten zu sehen.
faces-searching = Gesichter werden gesucht
faces-searching-hint = In einem großen Bild dauert das einige Sekunden.
faces-none = Kein Gesicht zu sehen
faces-none-hint = Schauen Sie bei gleichmäßigem Licht zur Kamera. Gesichter unter { $px } px werden übergangen; das ändern Sie im Menü „Ansicht“.
faces-not-seen = Hier kein Gesicht
faces-not-seen-hint = Die Sitzung hat zu dieser Zeit kein Gesicht.
faces-no-frame = Noch kein Bild
faces-no-frame-hint = Hier erscheinen Gesichter und ihre Wahrscheinlichkeiten.
face-show = Gesicht zeigen
face-show-hint = Dieses Gesicht zeigen, bis es das Bild verlässt
face-pose = Gier { $yaw }°  Nick { $pitch }°  Roll { $roll }°
face-eyes = Augen { $right } { $left }  Mund { $mouth }
face-pose-hint = Kopfhaltung in Grad: Gieren zum rechten Bildrand, Nicken nach oben, Rollen im Uhrzeigersinn. Augen (rechts, links) und Mund: Öffnung, Höhe durch Breite.
face-strip-hint = Die letzte Minute. Kurze Striche unten sind Lidschläge.
face-values = { $label }: Mittel { $average }, letztes Bild { $latest }
face-corrected = { $values }, korrigiert { $corrected }
face-last-minute = Letzte Minute von { $who }: { $seconds } s zu sehen
timeline-empty = Hier erscheinen die Gesichter der letzten Minute.
face-absent = Gesicht { $number }, gerade nicht zu sehen
face-portrait = Porträt: { $who }
face-name-hint = Klicken, um dieses Gesicht zu benennen (F2)
face-name-of = Name von Gesicht { $number }
face-second = { $values }, zweites Netz { $second }

## Window Sessions

sessions-title = Sitzungen
sessions-name = Name
sessions-date = Datum
sessions-length = Länge
sessions-faces = Gesichter
sessions-markers = Mark.
sessions-size = Größe
sessions-sort = Sortieren nach { $column }
sessions-unfinished = { $name } (nicht abgeschlossen)
sessions-search = Suchen
sessions-search-hint = Name, Teilnehmer, Bedingung, Notiz, Datum
sessions-so-far = bisher { $count }…
sessions-count =
    { $count ->
        [one] { $count } Sitzung
       *[other] { $count } Sitzungen
    }
sessions-shown =
    { $all ->
        [one] { $shown } von { $all } Sitzung
       *[other] { $shown } von { $all } Sitzungen
    }
sessions-refresh = Neu laden
sessions-none = In { $folder } ist noch keine Sitzung.
sessions-no-match = Keine Sitzung passt.
sessions-choose = Wählen Sie eine Sitzung; ein Doppelklick öffnet sie.
sessions-trash-question = „{ $name }“ in den Papierkorb legen?
sessions-trash = In den Papierkorb
sessions-trash-ask = In den Papierkorb…
sessions-keep = Behalten
sessions-open = Öffnen
sessions-rename = Umbenennen…
sessions-export = Exportieren
sessions-no-thread = Es ließ sich kein Thread zum Auflisten der Sitzungen starten: { $reason }.
sessions-in-use = { $folder } wird gerade aufgenommen. Beenden Sie zuerst die Aufnahme.
sessions-trashed = { $folder } liegt im Papierkorb.
sessions-not-trashed = { $folder } ließ sich nicht in den Papierkorb legen und bleibt: { $reason }.
sessions-not-shown = { $folder } lässt sich nicht anzeigen: { $reason }.
sessions-program-failed = { $program } endete mit { $status }
sessions-no-program = { $program } lässt sich nicht starten ({ $reason })
sessions-choose-several = Ctrl oder Shift und ein Klick wählen mehrere, um sie zu vergleichen.
sessions-share = Kopie weitergeben…
sessions-chosen =
    { $count ->
        [one] { $count } Sitzung ist ausgewählt.
       *[other] { $count } Sitzungen sind ausgewählt.
    }
sessions-compare = Vergleichen…

## Playback

play-play = Abspielen
play-pause = Anhalten
play-step-back = Ein Bild zurück
play-step-forward = Ein Bild vor
play-back = 5 Sekunden zurück
play-forward = 5 Sekunden vor
play-slower = Langsamer
play-faster = Schneller
play-position = Position
play-speed = Tempo { $speed }×
play-speed-hint = Wiedergabetempo
play-unavailable = Für Videos, Animationen und Ordner
play-picture = Bild { $number }
play-picture-of = Bild { $number } von { $all }
play-of = { $number } von { $all }

## The recording in the menu bar

bar-record = Aufnehmen
bar-starting = startet…
bar-mark-hint = Markierung setzen ({ $key }); mit Notiz: { $key_with_note }
bar-about-hint = Um wen und was es in der nächsten Aufnahme geht
bar-note = Was ist geschehen?
bar-recording = Aufnahme { $status }
bar-finishing = wird abgeschlossen…
bar-markers =
    { $count ->
        [one] { $count } Markierung
       *[other] { $count } Markierungen
    }
bar-dropped = { $count } verworfen
bar-free = { $size } frei
bar-details = { $captured } Bilder, { $analyzed } analysiert, { $recorded } im Video, { $faces } Gesichter
bar-free-on-disk = { $size } auf der Festplatte frei
bar-paused = Pause { $time }

## How recordings ended

recorded-repaired = Die Aufnahme { $folder } wurde unterbrochen. Sie ist repariert und hat { $frames } Bilder ({ $time }).
recorded-failed = { $reason } Die Aufnahme in { $folder } wurde beendet.
recorded = { $time } in { $folder } aufgenommen.
recorded-dropped = { $dropped } von { $captured } Bildern wurden verworfen, weil sie nicht rechtzeitig geschrieben werden konnten.

## The status bar

status-starting = startet
status-live = live
status-paused = angehalten
status-playing = spielt
status-no-camera = keine Kamera
status-lost = getrennt
status-waiting = wartet
status-failed = fehlgeschlagen
status-photo = Foto
status-ended = zu Ende
status-changed =
    { $count ->
        [one] { $count } Einstellung geändert · Zurücksetzen
       *[other] { $count } Einstellungen geändert · Zurücksetzen
    }
status-changed-hint = { $settings }. Ein Klick setzt auf die Voreinstellungen zurück.
status-loading-another = { $name }, ein anderes wird geladen…
status-loading = Netz wird geladen…
status-no-network = kein Netz
status-network-hint = Verwendetes Netz
status-starting-device = Gerät startet…
status-device-hint = Gerät, auf dem das Netz läuft
status-analysis = Analyse
status-analysis-hint = Analysierte Bilder pro Sekunde
status-analysis-more = Analysierte Bilder pro Sekunde. Mehr zeigt „Statistik“ im Menü „Ansicht“.
status-capture = Kamera
status-capture-hint = Empfangene Bilder pro Sekunde
status-latency = Latenz
status-latency-hint = Zeit vom Bild bis zum Ergebnis: Median und 95. Perzentil
status-dropped = verworfen
status-dropped-hint = Bilder, die seit dem Öffnen der Quelle nicht analysiert wurden, weil die Analyse zu langsam war
status-damaged = beschädigt
status-damaged-hint = Beschädigte Bilder, die seit dem Öffnen der Quelle übersprungen wurden
