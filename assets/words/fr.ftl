# The texts of the window in French. English is the source: a text that is missing here appears in English.
# How to add a text or a language: CONTRIBUTING.md.

## Labels of faces

label-angry = colère
label-disgust = dégoût
label-fear = peur
label-happy = joie
label-sad = tristesse
label-surprise = surprise
label-neutral = neutre
label-uncertain = incertain
label-turned-away = détourné

## Buttons and words of several places

save = Enregistrer
cancel = Annuler
clear = Effacer
no-thread = Impossible de démarrer un fil : { $reason }.
show-folder = Afficher le dossier

## Menus

menu-file = Fichier
menu-source = Source
menu-playback = Lecture
menu-model = Modèle
menu-record = Enregistrement
menu-view = Affichage
menu-stream = Diffusion
menu-help = Aide

## Menu File

file-open-file = Ouvrir une image ou une vidéo…
file-open-folder = Ouvrir un dossier…
file-open-session = Ouvrir une session…
file-open-checkpoint = Ouvrir un checkpoint…
file-sessions = Sessions…
file-recent = Sessions récentes
file-recent-files = Fichiers récents
file-export = Exporter la session
file-read-again = Réanalyser avec
file-choose-network = Choisir un fichier…
file-share = Partager une copie aux visages masqués…
file-many = Analyser un lot…
file-quit = Quitter

## Formats of exports

format-webvtt = Sous-titres (WebVTT)
format-srt = Sous-titres (SRT)
format-elan = Document ELAN
format-bids = Événements BIDS
format-py-feat = Tableau pour py-feat (CSV)
format-parquet = Tableaux Parquet
format-summary = Résumé par visage (CSV)
format-svg = Graphiques (SVG)
format-png = Graphiques (PNG)

## Menu Source

source-searching = Recherche de caméras…
source-none = Aucune caméra trouvée
source-demo = Démo
source-play-again = Rejouer
source-refresh = Actualiser les caméras

## Menu Model

model-fervis-plus = comme on juge un visage : le choix pour le direct
model-fervis = selon FER-2013 : pour comparer aux publications
model-three-block = petit et simple : pour l'enseignement
model-recent = Récents
model-in-folder = { $file } dans { $folder }
model-second = Second réseau
model-second-none = Aucun
model-second-note = lit les mêmes visages, pour comparer

## Menu Record

record-start = Démarrer l'enregistrement
record-stop = Arrêter l'enregistrement
record-pause = Suspendre l'enregistrement
record-resume = Reprendre l'enregistrement
record-mark = Poser un repère
record-mark-with-note = Poser un repère annoté…
record-exclude-from = Exclure à partir d'ici
record-exclude-to = Exclure jusqu'ici
record-undo = Annuler
record-video-annotated = Vidéo avec cadres
record-video-clean = Vidéo sans cadres
record-video-both = Les deux vidéos
record-video-none = Valeurs seules, sans vidéo
record-about = Qui et quoi…
record-marker-keys = Touches de repère…
record-folder = Dossier des enregistrements…
record-folder-now = Actuellement { $folder }

## Menu View

view-mirror = Miroir
view-boxes = Cadres
view-mesh = Maillage du visage
view-bars = Barres
view-fullscreen = Plein écran
view-timeline = Chronologie
view-statistics = Statistiques
view-privacy = Confidentialité
view-privacy-key = Touche { $key } pour changer
view-privacy-off = Désactivée
view-privacy-pixelate = Pixeliser les visages
view-privacy-blur = Flouter les visages
view-smoothing = Lissage
view-averaging = Moyenne en miroir (plus lent ; utile à « fervis » seul)
view-set-neutral = Apprendre le visage au repos
view-forget-neutral = Oublier le visage au repos
view-uncertain = Incertain en dessous de
view-own-threshold = Utiliser le seuil du réseau
view-min-face = Taille minimale des visages
view-rustface = Chercher les visages avec rustface seul
view-theme = Thème
view-follow-system = Comme le système
view-theme-light = Clair
view-theme-dark = Sombre
view-language = Langue

## Menu Help

help-keyboard = Raccourcis clavier
help-about = À propos de fervis

## Window About fervis

about-purpose = Lit les expressions faciales en direct.
about-privacy = Tout se passe sur cet ordinateur. Rien n'est conservé sans enregistrement, et rien n'est envoyé tant que vous n'activez pas de diffusion.
about-estimate = Les barres sont l'estimation, par un réseau, de l'expression que montre un visage. Elles ne disent pas ce que ressent une personne.
about-detector = Détecteur de visages
about-second-detector = Second détecteur
about-short-range = BlazeFace courte portée, MediaPipe (Apache-2.0)
about-mesh = Face Mesh, MediaPipe (Apache-2.0)
about-seetaface = SeetaFace via rustface (BSD-2-Clause)
about-device = Périphérique
about-not-started = pas démarré
about-network = Réseau
about-not-loaded = pas chargé
about-architecture = Architecture
about-parameters = Paramètres
about-millions = { $n } millions
about-license = Licence : { $license }
about-change = Modifier…

## Window Keyboard shortcuts

# Two keys, and the first and the last of a row of keys.
keys-and = { $a } et { $b }
keys-to = { $a } à { $b }
keys-or-double-click = { $key } ou double-clic
keys-zoom = { $plus }, Moins et 0
keys-open = Ouvrir
keys-file = Image ou vidéo
keys-folder = Dossier d'images
keys-session = Session enregistrée
keys-sessions = Liste des sessions
keys-checkpoint = Checkpoint
keys-camera = Caméra, dans l'ordre du menu
keys-record-toggle = Démarrer et arrêter
keys-record-pause = Suspendre et reprendre
keys-mark-with-note = Poser un repère annoté
keys-mark-own-words = Poser un repère avec vos mots
keys-marker-keys = Mots des touches de repère
keys-about = Qui et quoi
keys-replay = Relecture
keys-add-marker = Ajouter un repère
keys-exclude = Exclure d'ici, puis jusqu'ici
keys-timeline = Chronologie de la dernière minute
keys-name-face = Nommer le premier visage, puis le suivant
keys-fullscreen = Plein écran et retour
keys-text-size = Texte plus grand, plus petit, normal
keys-privacy = Confidentialité : pixels, flou, rien
keys-smoothing = Moins et plus de lissage
keys-averaging = Moyenne en miroir
keys-neutral = Apprendre le visage au repos, l'oublier
keys-uncertain = Seuil « incertain » plus bas, plus haut
keys-face-size = Taille minimale des visages : − et +
keys-websocket = WebSocket activé, désactivé
keys-osc = OSC activé, désactivé
keys-osc-markers = Repères par OSC activés, désactivés
keys-windows = Menus et fenêtres
keys-open-menu = Ouvrir un menu, puis flèches et Entrée
keys-tab = Élément suivant
keys-close = Fermer le menu ou la fenêtre
keys-list = Afficher cette liste
keys-play = Lecture et pause
keys-skip = Reculer et avancer de 5 secondes
play-start = Aller au début
keys-step = Image précédente et suivante
keys-speed = Moins vite et plus vite
keys-loop = En boucle

## What a session is about

field-participant = Participant
field-name = Nom de la session
field-condition = Condition
field-note = Note
session-rename-title = Renommer la session
session-about-hint = Pour les prochaines sessions enregistrées ; figure dans leurs exports.

## Markers and excluded spans

marker = Repère
# The time is that of the recording.
marker-set = Repère { $number } · { $time }
marker-keys-title = Touches de repère
marker-keys-use = Pendant l'enregistrement, un chiffre pose un repère avec ces mots.
marker-keys-kept = Ils sont mémorisés et figurent dans chaque session.json.
marker-keys-key = Touche { $number }
annotation-excluded = Passage exclu
annotation-what = Événement
annotation-why = Raison
annotation-time = Temps
annotation-from = De
annotation-until = À
annotation-times = Écrivez les temps comme 12:04.5.
annotation-order = Le passage finit avant de commencer.
annotation-undone = Annulé
annotation-not-undone = Rien à annuler
annotation-not-kept = Les annotations ne sont pas conservées : { $reason }.
annotation-shown-only = Vos indications sur la session sont affichées, mais pas conservées.
annotation-excluding = Exclusion dès { $from } : appuyez à nouveau sur X à la fin
annotation-excluded-span = Exclu de { $from } à { $to }
annotation-none-excluded = Rien d'exclu
annotation-deleted = Supprimé à { $time } ; { $key } le rétablit

## Networks

network-now = « { $name } » est maintenant utilisé.
network-still = « { $name } » reste utilisé.
network-choose = Choisissez-en un autre dans le menu Modèle.
network-not-kept = Votre choix vaut jusqu'à l'ouverture d'un autre réseau.
assume-title = Réseau d'un autre programme
assume-why = « { $name } » ne dit pas comment il a été fait.
assume-kept = Conservé dans { $file }, à côté du réseau.
assume-use = Utiliser
assume-outputs = Sorties
assume-as-named = noms ci-dessous
assume-alphabetical = alphabétique
assume-in-order = Dans l'ordre
assume-channels = Canaux
assume-gray = gris, trois fois
assume-rgb = rouge, vert, bleu
assume-bgr = bleu, vert, rouge
assume-values = Valeurs
assume-imagenet = d'ImageNet
assume-numbers-below = selon les nombres ci-dessous
assume-mean = Moyenne
assume-deviation = Écart type
assume-count = Le réseau a { $outputs } sorties, et { $names } sont nommées.
assume-numbers = { $name } : un nombre, ou trois séparés par des virgules.

## The question before a recording ends

guard-question = Enregistrement depuis { $time }. { $question }
guard-key = Arrêter ?
guard-closing = Arrêter et fermer ?
guard-close = Arrêter et fermer
guard-source = Arrêter et ouvrir une autre source ?
guard-open = Arrêter et ouvrir
guard-kept = Ce qui a été enregistré est conservé.
guard-keep = Continuer
guard-keys = R arrête, Échap continue.

## Window Analyze many

many-title = Analyser un lot
many-purpose = Chaque image de chaque vidéo est analysée. Les fichiers terminés sont passés.
many-add-files = Ajouter des fichiers…
many-add-folder = Ajouter un dossier…
many-drop = ou déposez-les ici
many-remove = Retirer
many-results = Résultats dans
many-choose = Choisir…
many-no-folder = pas encore de dossier
many-names = Les noms disent
many-jobs = En même temps
many-start = Démarrer
many-stop = Arrêter
many-stopping = Arrêt…
many-looking = Recherche de fichiers…
many-tables = Écriture des tableaux…
many-progress = { $done } fichiers sur { $all }
many-finished-before =
    { $count ->
        [one] { $count } autre était déjà terminé
       *[other] { $count } autres étaient déjà terminés
    }
many-frames =
    { $count ->
        [one] { $count } image
       *[other] { $count } images
    }
many-report = { $files } fichiers : { $analyzed } analysés, { $finished } déjà terminés, { $failed } en échec
many-stopped = Arrêté après { $done } fichiers sur { $all }. Redémarrez pour reprendre.
many-done =
    { $count ->
        [one] { $count } fichier analysé.
       *[other] { $count } fichiers analysés.
    }
many-failed = { $done } fichiers analysés sur { $all } ; { $failed } en échec.

## Work on recorded sessions

tool-canceling = Annulation…
tool-loading = Chargement de { $network }
tool-opening = Ouverture de { $session }
tool-reads = { $network } lit { $session }
tool-reads-one-of = { $network } lit { $session } ({ $at } sur { $all })
tool-hides = Masquage des visages dans { $session }
tool-sessions =
    { $count ->
        [one] { $count } session
       *[other] { $count } sessions
    }
tool-read = { $network } a lu { $sessions }.
tool-read-agreement = { $network } a lu { $session } : la même étiquette qu'avant pour { $percent } % des visages.
tool-read-before = { $network } avait déjà lu { $sessions }.
tool-open = Ouvrir
tool-replace = Remplacer
tool-more-failed =
    { $count ->
        [one] { $count } autre session n'a pas pu être lue.
       *[other] { $count } autres sessions n'ont pas pu être lues.
    }
tool-canceled = Annulé ; rien n'a été écrit.
tool-canceled-after = Annulé ; ce qui était terminé est conservé.
tool-shared = { $session } aux visages masqués se trouve dans { $folder }.
tool-old-boxes = Il n'y a pas de vidéo sans cadres ; ceux de l'enregistrement restent donc visibles.

## Window Share a copy with hidden faces

share-title = Partager une copie aux visages masqués
share-video = La vidéo de { $session }
share-limits = La session reste telle quelle. Cheveux, vêtements, posture et pièce restent visibles.
share-faces = Visages
share-pixelated = Pixelisés
share-blurred = Floutés
share-without-boxes = Sans
share-with-boxes = Avec
share-both = Une vidéo de chaque
share-visible = Laisser visibles
share-visible-hint = aucun ; ou des numéros, comme 1, 3
share-not-a-number = « { $word } » n'est pas le numéro d'un visage. Écrivez des numéros, comme 1, 3.
share-folder = Nouveau dossier dans
share-make = Créer la copie

## Window Compare sessions

compare-title = Comparer des sessions
compare-reading = Lecture des sessions
compare-canceled = Annulé. Choisissez comment grouper pour comparer de nouveau.
compare-save-table = Enregistrer le tableau…
compare-save-picture = Enregistrer l'image…
compare-by =
    { $count ->
        [one] { $count } session par
       *[other] { $count } sessions par
    }
compare-participant = participant
compare-session = session
compare-condition = condition
compare-saved = Enregistré dans { $file }.
compare-picture = Parts de temps de chaque groupe, en barres avec leurs intervalles

## Messages

severity-note = Note
severity-warning = Avertissement
severity-error = Erreur
notices = Messages
notices-dismiss = Fermer
neutral-hold = Gardez le visage au repos trois secondes
session-no-thread = Impossible de démarrer un fil pour lire la session : { $reason }
recorded-replay = Revoir
recorded-rename = Renommer
settings-unreadable = { $file } : les réglages n'ont pas pu être lus ({ $reason }). Les valeurs par défaut s'appliquent.
settings-damaged = { $file } : les réglages sont abîmés ({ $reason }). Les valeurs par défaut s'appliquent.

## A setting that has just changed

changed-on = { $name } : activé
changed-off = { $name } : désactivé
changed-zoom = Taille { $percent } %
changed-smoothing = Lissage { $ms } ms
changed-smoothing-off = Lissage désactivé
changed-uncertain = Incertain en dessous de { $percent } %
changed-own-threshold = Seuil du réseau
changed-all-detectors = Tous les détecteurs de visages
changed-rustface = rustface seul
changed-min-face = Taille minimale { $px } px
changed-privacy-off = Visages visibles
changed-privacy-pixelate = Visages pixelisés
changed-privacy-blur = Visages floutés

## Live outputs

stream-unavailable = Cette version n'a pas de sorties en direct (`stream`)
stream-values-only = Valeurs seules ; aucune image n'est envoyée.
stream-local = Seuls les programmes de cet ordinateur peuvent les lire.
stream-exposed-values = Tout le réseau local peut lire les valeurs.
stream-websocket = WebSocket sur { $address }
stream-websocket-hint = Un message JSON par image analysée, pour chaque client ; les clients peuvent poser des repères
stream-osc = OSC vers { $address }
stream-osc-hint = Messages sous /fervis pour chaque image analysée
stream-osc-markers = Repères par OSC sur { $address }
stream-osc-markers-hint = Le message /fervis/marker pose un repère dans l'enregistrement
stream-osc-markers-name = Repères OSC
stream-port = Port : { $output }
stream-on-network = Diffusion sur le réseau local
stream-on-network-hint = Tout le réseau local peut lire les expressions des personnes devant la caméra
stream-on-computer = Diffusion sur cet ordinateur
stream-on-computer-hint = Les programmes de cet ordinateur peuvent lire les valeurs ; aucune image n'est envoyée
stream-clients =
    { $count ->
        [0] { $output }, aucun client
        [one] { $output }, { $count } client
       *[other] { $output }, { $count } clients
    }
stream-refused =
    { $count ->
        [one] { $count } repère refusé
       *[other] { $count } repères refusés
    }
stream-refused-hint = Repères d'autres programmes arrivés sans enregistrement, trop vite ou illisibles
stream-exposed = { $output } est ouvert au réseau local à l'adresse { $address }. Tout le monde peut y lire les expressions des personnes devant la caméra.
stream-stays-off = { $output } reste désactivé : { $reason }.

## File dialogs

dialog-file = Ouvrir une image ou une vidéo
dialog-images-and-videos = Images et vidéos
dialog-all-files = Tous les fichiers
dialog-folder = Ouvrir un dossier d'images
dialog-session = Ouvrir une session
dialog-checkpoint = Ouvrir un checkpoint
dialog-checkpoints = Checkpoints
dialog-recordings = Dossier des enregistrements
dialog-add-videos = Ajouter des vidéos
dialog-videos = Vidéos
dialog-add-folder = Ajouter un dossier de vidéos
dialog-results = Dossier des résultats
dialog-share = Dossier pour la copie
dialog-save-table = Enregistrer le tableau
dialog-save-picture = Enregistrer l'image
dialog-unavailable = Aucun sélecteur de fichiers trouvé.
dialog-instead-source = Déposez le fichier ici, ou démarrez avec : fervis --source PATH
dialog-instead-checkpoint = Déposez le fichier ici, ou démarrez avec : fervis --checkpoint FILE
dialog-instead-second = Démarrez avec : fervis --second FILE
dialog-instead-sessions = Pour enregistrer dans un autre dossier : fervis record SOURCE --out FOLDER
dialog-instead-many = Déposez fichiers et dossiers sur la fenêtre, ou utilisez : fervis analyze FOLDER --out RESULTS
dialog-instead-reader = Pour lire une session avec un fichier : fervis reanalyze SESSION --checkpoint FILE
dialog-instead-share = Pour un autre dossier : fervis redraw SESSION --hide-faces pixelate --out FOLDER
dialog-instead-table = Pour enregistrer le tableau : fervis summarize SESSIONS --csv FILE.csv
dialog-instead-picture = Pour enregistrer l'image : fervis summarize SESSIONS --plot FILE.svg
dialog-instead-export = Pour exporter la session : fervis export SESSION --format { $format } --out FILE.{ $extension }

## The view

preview-no-face = Image, aucun visage
preview-faces = Image : { $faces }
preview-ended = { $name } : fin du fichier
preview-empty = Le fichier ne contient aucune image

## Two networks

second-now = Second réseau : { $name }
second-gone = Pas de second réseau
second-bars = Barre du haut : { $first }. Barre du bas : { $second }.
second-agreement = Même résultat : { $percent } % de la dernière minute.
second-agreement-hint = Part des visages auxquels les deux réseaux donnent le même résultat, comptée à chaque image

## The state of the source

state-starting-camera = Démarrage de la caméra
state-opening = Ouverture
state-no-camera = fervis lit les expressions faciales d'une caméra, d'une vidéo ou d'une image, sur cet ordinateur. Branchez une caméra ; elle démarre d'elle-même.
state-lost = Caméra perdue
state-unavailable = Caméra indisponible
state-retried = { $reason } fervis réessaie chaque seconde.
state-camera-failed = Échec de la caméra
state-failed = Impossible d'ouvrir cette source
state-run-demo = Lancer la démo
state-open-file = Ouvrir un fichier…
state-drop = Déposez pour ouvrir
state-drop-what = Image, vidéo, dossier d'images, session ou checkpoint
state-open-again = Rouvrir

## The red pill during a recording

alarm-silence = Aucune image depuis { $seconds } s
alarm-less-than-a-minute = Disque presque plein : moins d'une minute restante
alarm-minutes = Disque presque plein : environ { $minutes } min restantes
alarm-space = Disque presque plein : { $megabytes } Mo restants

## Exports

export-no-thread = Impossible de démarrer un fil pour exporter la session : { $reason }.
export-exists = { $file } existe déjà. Supprimez-le, ou choisissez un autre nom.
export-done = { $format } : écrit dans { $files }.

## The timeline of a session

replay-values-only = valeurs seules
replay-no-video = La session n'a pas de vidéo
replay-no-thread = Impossible de démarrer un fil pour la lire : { $reason }
replay-all-faces = Tous les visages
replay-recorded-only = Enregistré seul
replay-with = Avec { $network }
replay-with-agreement = Avec { $network } (accord { $percent } %)
replay-by = { $face } selon { $network }
replay-smoothed = Lissé
replay-raw = Brut
replay-areas = Aires
replay-lines = Lignes
replay-events = Événements
replay-zoom-in = Zoom +
replay-zoom-out = Zoom −
replay-zoom-fit = Tout voir
replay-nothing = Rien n'a été enregistré.
replay-no-face = Aucun visage n'a été vu.
replay-not-seen = pas visible
replay-lane = { $name } de { $from } à { $to }, maintenant { $now }
replay-no-events = Aucun événement
replay-edit = Modifier…
replay-edit-hint = Modifier son temps et ses mots
replay-move = Déplacer ici
replay-move-hint = Le déplacer à la position de lecture
replay-delete = Supprimer
replay-delete-hint = { $key } le rétablit
replay-video-missing = { $reason } ; seules les valeurs de la session sont affichées
replay-not-named = Incertain ou détourné

## Events of a session

event-excluded = Exclu jusqu'à { $time }
event-detail = { $event } : { $detail }
event-started = Enregistrement démarré
event-stopped = Enregistrement arrêté
event-paused = Pause
event-resumed = Reprise
event-checkpoint = Réseau
event-source-lost = Caméra perdue
event-source-back = Caméra retrouvée
event-part = Nouvelle partie vidéo
event-privacy = Confidentialité
event-blink = Clignement
event-settings = Réglages
event-refused = Images perdues

## Faces

face-number = Visage { $number }
faces = Visages
faces-legend = Barre : moyenne. Trait : dernière image.
faces-legend-corrected = Barre : moyenne. Trait : dernière image. Barre fine : corrigée par le visage au repos.
faces-loading = Chargement du réseau
faces-loading-hint = Les probabilités apparaissent dès qu'il est prêt.
faces-no-network = Aucun réseau
faces-no-network-hint = Choisissez un checkpoint dans le menu Modèle pour voir les probabilités.
faces-searching = Recherche de visages
faces-searching-hint = Dans une grande image, cela prend quelques secondes.
faces-none = Aucun visage visible
faces-none-hint = Regardez vers la caméra, sous une lumière uniforme. Les visages de moins de { $px } px sont ignorés ; réglage dans le menu Affichage.
faces-not-seen = Aucun visage ici
faces-not-seen-hint = La session n'a aucun visage à cet instant.
faces-no-frame = Pas encore d'image
faces-no-frame-hint = Les visages et leurs probabilités apparaissent ici.
face-show = Montrer
face-show-hint = Montrer ce visage jusqu'à ce qu'il quitte l'image
face-pose = lacet { $yaw }°  tangage { $pitch }°  roulis { $roll }°
face-eyes = yeux { $right } { $left }  bouche { $mouth }
face-pose-hint = Pose de la tête en degrés : lacet vers la droite de l'image, tangage vers le haut, roulis dans le sens horaire. Yeux (droit, gauche) et bouche : ouverture, hauteur sur largeur.
face-strip-hint = La dernière minute. Les petits traits en bas sont des clignements.
face-values = { $label } : moyenne { $average }, dernière image { $latest }
face-corrected = { $values }, corrigé { $corrected }
face-last-minute = Dernière minute de { $who } : visible { $seconds } s
timeline-empty = Les visages de la dernière minute apparaissent ici.
face-absent = Visage { $number }, hors champ
face-portrait = Portrait : { $who }
face-name-hint = Cliquez pour nommer ce visage (F2)
face-name-of = Nom du visage { $number }
face-second = { $values }, second réseau { $second }

## Window Sessions

sessions-title = Sessions
sessions-name = Nom
sessions-date = Date
sessions-length = Durée
sessions-faces = Visages
sessions-markers = Repères
sessions-size = Taille
sessions-sort = Trier par { $column }
sessions-unfinished = { $name } (inachevée)
sessions-search = Rechercher
sessions-search-hint = nom, participant, condition, note, date
sessions-so-far = { $count } jusqu'ici…
sessions-count =
    { $count ->
        [one] { $count } session
       *[other] { $count } sessions
    }
sessions-shown =
    { $all ->
        [one] { $shown } session sur { $all }
       *[other] { $shown } sessions sur { $all }
    }
sessions-refresh = Actualiser
sessions-none = Aucune session dans { $folder } pour l'instant.
sessions-no-match = Aucune session ne correspond.
sessions-choose = Choisissez une session ; un double-clic l'ouvre.
sessions-trash-question = Mettre « { $name } » à la corbeille ?
sessions-trash = Mettre à la corbeille
sessions-trash-ask = Mettre à la corbeille…
sessions-keep = Garder
sessions-open = Ouvrir
sessions-rename = Renommer…
sessions-export = Exporter
sessions-no-thread = Impossible de démarrer un fil pour lister les sessions : { $reason }.
sessions-in-use = { $folder } est en cours d'enregistrement. Arrêtez d'abord l'enregistrement.
sessions-trashed = { $folder } est à la corbeille.
sessions-not-trashed = { $folder } n'a pas pu être mis à la corbeille et reste en place : { $reason }.
sessions-not-shown = { $folder } ne peut pas être affiché : { $reason }.
sessions-program-failed = { $program } s'est terminé avec { $status }
sessions-no-program = { $program } ne peut pas être lancé ({ $reason })
sessions-choose-several = Ctrl ou Shift et un clic en choisissent plusieurs, pour les comparer.
sessions-share = Partager une copie…
sessions-chosen =
    { $count ->
        [one] { $count } session est choisie.
       *[other] { $count } sessions sont choisies.
    }
sessions-compare = Comparer…

## Playback

play-play = Lire
play-pause = Pause
play-step-back = Image précédente
play-step-forward = Image suivante
play-back = Reculer de 5 secondes
play-forward = Avancer de 5 secondes
play-slower = Plus lent
play-faster = Plus rapide
play-position = Position
play-speed = Vitesse { $speed }×
play-speed-hint = Vitesse de lecture
play-unavailable = Pour vidéos, animations et dossiers
play-picture = image { $number }
play-picture-of = image { $number } sur { $all }
play-of = { $number } sur { $all }

## The recording in the menu bar

bar-record = Enregistrer
bar-starting = démarrage…
bar-mark-hint = Poser un repère ({ $key }) ; annoté : { $key_with_note }
bar-about-hint = Sur qui et quoi porte le prochain enregistrement
bar-note = Que s'est-il passé ?
bar-recording = Enregistrement { $status }
bar-finishing = finalisation…
bar-markers =
    { $count ->
        [one] { $count } repère
       *[other] { $count } repères
    }
bar-dropped = { $count } perdues
bar-free = { $size } libres
bar-details = { $captured } images, { $analyzed } analysées, { $recorded } dans la vidéo, { $faces } visages
bar-free-on-disk = { $size } libres sur le disque
bar-paused = en pause { $time }

## How recordings ended

recorded-repaired = L'enregistrement { $folder } a été interrompu. Il a été réparé et compte { $frames } images ({ $time }).
recorded-failed = { $reason } L'enregistrement dans { $folder } s'est arrêté.
recorded = { $time } enregistré dans { $folder }.
recorded-dropped = { $dropped } images sur { $captured } ont été perdues, faute d'être écrites à temps.

## The status bar

status-starting = démarrage
status-live = en direct
status-paused = en pause
status-playing = lecture
status-no-camera = aucune caméra
status-lost = perdue
status-waiting = en attente
status-failed = échec
status-photo = photo
status-ended = terminé
status-changed =
    { $count ->
        [one] { $count } réglage modifié · Réinitialiser
       *[other] { $count } réglages modifiés · Réinitialiser
    }
status-changed-hint = { $settings }. Cliquez pour revenir aux valeurs par défaut.
status-loading-another = { $name }, un autre se charge…
status-loading = chargement du réseau…
status-no-network = aucun réseau
status-network-hint = Réseau utilisé
status-starting-device = démarrage…
status-device-hint = Périphérique qui exécute le réseau
status-analysis = analyse
status-analysis-hint = Images analysées par seconde
status-analysis-more = Images analysées par seconde. Statistiques, dans le menu Affichage, en montre plus.
status-capture = capture
status-capture-hint = Images capturées par seconde
status-latency = latence
status-latency-hint = Temps de la capture au résultat : médiane et 95e centile
status-dropped = perdues
status-dropped-hint = Images non analysées depuis l'ouverture de la source, l'analyse étant trop lente
status-damaged = abîmées
status-damaged-hint = Images abîmées passées depuis l'ouverture de la source
