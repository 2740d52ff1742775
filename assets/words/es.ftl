# The texts of the window in Spanish. English is the source: a text that is missing here appears in English.
# How to add a text or a language: CONTRIBUTING.md.

## Labels of faces

label-angry = ira
label-disgust = asco
label-fear = miedo
label-happy = alegría
label-sad = tristeza
label-surprise = sorpresa
label-neutral = neutral
label-uncertain = incierto
label-turned-away = girado

## Buttons and words of several places

save = Guardar
cancel = Cancelar
clear = Vaciar
no-thread = No se puede iniciar un hilo: { $reason }.
show-folder = Mostrar carpeta

## Menus

menu-file = Archivo
menu-source = Fuente
menu-playback = Reproducción
menu-model = Modelo
menu-record = Grabación
menu-view = Ver
menu-stream = Transmisión
menu-help = Ayuda

## Menu File

file-open-file = Abrir imagen o vídeo…
file-open-folder = Abrir carpeta…
file-open-session = Abrir sesión…
file-open-checkpoint = Abrir checkpoint…
file-sessions = Sesiones…
file-recent = Sesiones recientes
file-recent-files = Archivos recientes
file-export = Exportar sesión
file-read-again = Volver a analizar con
file-choose-network = Elegir un archivo…
file-share = Compartir una copia con rostros ocultos…
file-many = Analizar varios…
file-quit = Salir

## Formats of exports

format-webvtt = Subtítulos (WebVTT)
format-srt = Subtítulos (SRT)
format-elan = Documento ELAN
format-bids = Eventos BIDS
format-py-feat = Tabla para py-feat (CSV)
format-parquet = Tablas Parquet
format-summary = Resumen de cada rostro (CSV)
format-svg = Gráficos (SVG)
format-png = Gráficos (PNG)

## Menu Source

source-searching = Buscando cámaras…
source-none = No se ha encontrado ninguna cámara
source-demo = Demostración
source-play-again = Reproducir de nuevo
source-refresh = Actualizar cámaras

## Menu Model

model-fervis-plus = como la gente juzga un rostro: la opción para uso en directo
model-fervis = según FER-2013: para comparar con publicaciones
model-three-block = pequeña y sencilla: para la enseñanza
model-recent = Recientes
model-in-folder = { $file } en { $folder }
model-second = Segunda red
model-second-none = Ninguna
model-second-note = lee los mismos rostros, para comparar

## Menu Record

record-start = Iniciar grabación
record-stop = Detener grabación
record-pause = Pausar grabación
record-resume = Reanudar grabación
record-mark = Poner marcador
record-mark-with-note = Poner marcador con nota…
record-exclude-from = Excluir desde aquí
record-exclude-to = Excluir hasta aquí
record-undo = Deshacer
record-video-annotated = Vídeo con recuadros
record-video-clean = Vídeo sin recuadros
record-video-both = Ambos vídeos
record-video-none = Solo valores, sin vídeo
record-about = Quién y qué…
record-marker-keys = Teclas de marcador…
record-folder = Carpeta de grabaciones…
record-folder-now = Actualmente { $folder }

## Menu View

view-mirror = Espejo
view-boxes = Recuadros
view-mesh = Malla facial
view-bars = Barras
view-fullscreen = Pantalla completa
view-timeline = Línea de tiempo
view-statistics = Estadísticas
view-privacy = Privacidad
view-privacy-key = Pulse { $key } para cambiar
view-privacy-off = Desactivada
view-privacy-pixelate = Pixelar rostros
view-privacy-blur = Difuminar rostros
view-smoothing = Suavizado
view-averaging = Promedio especular (más lento; solo ayuda a «fervis»)
view-set-neutral = Fijar rostro en reposo
view-forget-neutral = Olvidar rostro en reposo
view-uncertain = Incierto por debajo de
view-own-threshold = Usar el umbral de la red
view-min-face = Tamaño mínimo del rostro
view-rustface = Buscar rostros solo con rustface
view-theme = Tema
view-follow-system = Como el sistema
view-theme-light = Claro
view-theme-dark = Oscuro
view-language = Idioma

## Menu Help

help-keyboard = Atajos de teclado
help-about = Acerca de fervis

## Window About fervis

about-purpose = Lee expresiones faciales en directo.
about-privacy = Todo se ejecuta en este equipo. No se guarda nada si no graba, y no se envía nada si no activa una transmisión.
about-estimate = Las barras son la estimación, por una red, de la expresión que muestra un rostro. No dicen lo que siente una persona.
about-detector = Detector de rostros
about-second-detector = Segundo detector
about-short-range = BlazeFace de corto alcance, MediaPipe (Apache-2.0)
about-mesh = Face Mesh, MediaPipe (Apache-2.0)
about-seetaface = SeetaFace mediante rustface (BSD-2-Clause)
about-device = Dispositivo
about-not-started = no iniciado
about-network = Red
about-not-loaded = no cargada
about-architecture = Arquitectura
about-parameters = Parámetros
about-millions = { $n } millones
about-license = Licencia: { $license }
about-change = Cambiar…

## Window Keyboard shortcuts

# Two keys, and the first and the last of a row of keys.
keys-and = { $a } y { $b }
keys-to = { $a } a { $b }
keys-or-double-click = { $key } o doble clic
keys-zoom = { $plus }, Menos y 0
keys-open = Abrir
keys-file = Imagen o vídeo
keys-folder = Carpeta de imágenes
keys-session = Sesión grabada
keys-sessions = Lista de sesiones
keys-checkpoint = Checkpoint
keys-camera = Cámara, en el orden del menú
keys-record-toggle = Iniciar y detener
keys-record-pause = Pausar y reanudar
keys-mark-with-note = Poner marcador con nota
keys-mark-own-words = Poner marcador con sus propias palabras
keys-marker-keys = Palabras de las teclas de marcador
keys-about = Quién y qué
keys-replay = Revisión
keys-add-marker = Añadir un marcador
keys-exclude = Excluir desde aquí y hasta aquí
keys-timeline = Línea de tiempo del último minuto
keys-name-face = Dar nombre al primer rostro y luego al siguiente
keys-fullscreen = Pantalla completa y volver
keys-text-size = Texto mayor, menor y normal
keys-privacy = Privacidad: pixelar, difuminar, nada
keys-smoothing = Menos y más suavizado
keys-averaging = Promedio especular
keys-neutral = Fijar y olvidar el rostro en reposo
keys-uncertain = Umbral de «incierto» menor y mayor
keys-face-size = Tamaño mínimo del rostro menor y mayor
keys-websocket = Activar y desactivar WebSocket
keys-osc = Activar y desactivar OSC
keys-osc-markers = Activar y desactivar marcadores por OSC
keys-windows = Menús y ventanas
keys-open-menu = Abrir un menú; luego flechas e Intro
keys-tab = Control siguiente
keys-close = Cerrar menú o ventana
keys-list = Mostrar esta lista
keys-play = Reproducir y pausar
keys-skip = Retroceder y avanzar 5 segundos
play-start = Ir al inicio
keys-step = Fotograma anterior y siguiente
keys-speed = Más lento y más rápido
keys-loop = Bucle

## What a session is about

field-participant = Participante
field-name = Nombre de la sesión
field-condition = Condición
field-note = Nota
session-rename-title = Cambiar nombre de la sesión
session-about-hint = Para las próximas sesiones que grabe; figura en sus exportaciones.

## Markers and excluded spans

marker = Marcador
# The time is that of the recording.
marker-set = Marcador { $number } · { $time }
marker-keys-title = Teclas de marcador
marker-keys-use = Mientras graba, un dígito pone un marcador con estas palabras.
marker-keys-kept = Se recuerdan y figuran en cada session.json.
marker-keys-key = Tecla { $number }
annotation-excluded = Tramo excluido
annotation-what = Qué ocurrió
annotation-why = Por qué
annotation-time = Tiempo
annotation-from = Desde
annotation-until = Hasta
annotation-times = Escriba los tiempos como 12:04.5.
annotation-order = El tramo termina antes de empezar.
annotation-undone = Deshecho
annotation-not-undone = Nada que deshacer
annotation-not-kept = Las anotaciones no se guardan: { $reason }.
annotation-shown-only = Lo que indicó sobre la sesión se muestra, pero no se guarda.
annotation-excluding = Excluyendo desde { $from }: pulse X otra vez al final
annotation-excluded-span = Excluido de { $from } a { $to }
annotation-none-excluded = Nada excluido
annotation-deleted = Eliminado en { $time }; { $key } lo recupera

## Networks

network-now = Ahora se usa «{ $name }».
network-still = Se sigue usando «{ $name }».
network-choose = Elija otra en el menú Modelo.
network-not-kept = Su elección vale hasta que se abra otra red.
assume-title = Red de otro programa
assume-why = «{ $name }» no dice cómo se creó.
assume-kept = Se guarda en { $file }, junto a la red.
assume-use = Usar
assume-outputs = Salidas
assume-as-named = según los nombres de abajo
assume-alphabetical = alfabético
assume-in-order = En orden
assume-channels = Canales
assume-gray = gris, tres veces
assume-rgb = rojo, verde, azul
assume-bgr = azul, verde, rojo
assume-values = Valores
assume-imagenet = de ImageNet
assume-numbers-below = según los números de abajo
assume-mean = Media
assume-deviation = Desviación
assume-count = La red tiene { $outputs } salidas, y hay { $names } con nombre.
assume-numbers = { $name }: un número, o tres separados por comas.

## The question before a recording ends

guard-question = Grabando desde hace { $time }. { $question }
guard-key = ¿Detener?
guard-closing = ¿Detener y cerrar?
guard-close = Detener y cerrar
guard-source = ¿Detener y abrir otra fuente?
guard-open = Detener y abrir
guard-kept = Lo grabado se conserva.
guard-keep = Seguir grabando
guard-keys = R detiene, Escape sigue grabando.

## Window Analyze many

many-title = Analizar varios
many-purpose = Se analizan todos los fotogramas de cada vídeo. Los archivos terminados se omiten.
many-add-files = Añadir archivos…
many-add-folder = Añadir carpeta…
many-drop = o suéltelos aquí
many-remove = Quitar
many-results = Resultados en
many-choose = Elegir…
many-no-folder = aún sin carpeta
many-names = Los nombres indican
many-jobs = A la vez
many-start = Iniciar
many-stop = Detener
many-stopping = Deteniendo…
many-looking = Buscando archivos…
many-tables = Escribiendo tablas…
many-progress = { $done } de { $all } archivos
many-finished-before =
    { $count ->
        [one] { $count } más ya estaba terminado
       *[other] { $count } más ya estaban terminados
    }
many-frames =
    { $count ->
        [one] { $count } fotograma
       *[other] { $count } fotogramas
    }
many-report = { $files } archivos: { $analyzed } analizados, { $finished } ya terminados, { $failed } fallidos
many-stopped = Detenido tras { $done } de { $all } archivos. Inicie de nuevo para continuar.
many-done =
    { $count ->
        [one] Se ha analizado { $count } archivo.
       *[other] Se han analizado { $count } archivos.
    }
many-failed = Analizados { $done } de { $all } archivos; { $failed } fallidos.

## Work on recorded sessions

tool-canceling = Cancelando…
tool-loading = Cargando { $network }
tool-opening = Abriendo { $session }
tool-reads = { $network } lee { $session }
tool-reads-one-of = { $network } lee { $session } ({ $at } de { $all })
tool-hides = Ocultando rostros en { $session }
tool-sessions =
    { $count ->
        [one] { $count } sesión
       *[other] { $count } sesiones
    }
tool-read = { $network } ha leído { $sessions }.
tool-read-agreement = { $network } ha leído { $session }: la misma etiqueta que antes en el { $percent } % de los rostros.
tool-read-before = { $network } ya había leído { $sessions }.
tool-open = Abrir
tool-replace = Reemplazar
tool-more-failed =
    { $count ->
        [one] { $count } sesión más no se pudo leer.
       *[other] { $count } sesiones más no se pudieron leer.
    }
tool-canceled = Cancelado; no se ha escrito nada.
tool-canceled-after = Cancelado; lo terminado se conserva.
tool-shared = { $session } con rostros ocultos está en { $folder }.
tool-old-boxes = No hay vídeo sin recuadros, por lo que los recuadros de la grabación siguen visibles.

## Window Share a copy with hidden faces

share-title = Compartir una copia con rostros ocultos
share-video = El vídeo de { $session }
share-limits = La sesión queda como está. El pelo, la ropa, la postura y la habitación siguen visibles.
share-faces = Rostros
share-pixelated = Pixelados
share-blurred = Difuminados
share-without-boxes = Sin
share-with-boxes = Con
share-both = Un vídeo de cada
share-visible = Dejar visibles
share-visible-hint = ninguno; o números, como 1, 3
share-not-a-number = «{ $word }» no es el número de un rostro. Escriba números, como 1, 3.
share-folder = Carpeta nueva en
share-make = Crear copia

## Window Compare sessions

compare-title = Comparar sesiones
compare-reading = Leyendo sesiones
compare-canceled = Cancelado. Elija por qué agrupar para comparar de nuevo.
compare-save-table = Guardar tabla…
compare-save-picture = Guardar imagen…
compare-by =
    { $count ->
        [one] { $count } sesión por
       *[other] { $count } sesiones por
    }
compare-participant = participante
compare-session = sesión
compare-condition = condición
compare-saved = Guardado en { $file }.
compare-picture = Proporciones de tiempo de cada grupo, en barras con sus intervalos

## Messages

severity-note = Nota
severity-warning = Advertencia
severity-error = Error
notices = Mensajes
notices-dismiss = Cerrar
neutral-hold = Mantenga el rostro en reposo tres segundos
session-no-thread = No se puede iniciar un hilo para reproducir la sesión: { $reason }
recorded-replay = Revisar
recorded-rename = Cambiar nombre
settings-unreadable = { $file }: no se pudieron leer los ajustes ({ $reason }). Se usan los predeterminados.
settings-damaged = { $file }: los ajustes están dañados ({ $reason }). Se usan los predeterminados.

## A setting that has just changed

changed-on = { $name }: sí
changed-off = { $name }: no
changed-zoom = Tamaño { $percent } %
changed-smoothing = Suavizado { $ms } ms
changed-smoothing-off = Sin suavizado
changed-uncertain = Incierto por debajo del { $percent } %
changed-own-threshold = Umbral de la red
changed-all-detectors = Todos los detectores de rostros
changed-rustface = solo rustface
changed-min-face = Tamaño mínimo { $px } px
changed-privacy-off = Rostros visibles
changed-privacy-pixelate = Rostros pixelados
changed-privacy-blur = Rostros difuminados

## Live outputs

stream-unavailable = Esta versión no tiene salidas en directo (`stream`)
stream-values-only = Solo valores; nunca se envían imágenes.
stream-local = Solo los programas de este equipo pueden leerlos.
stream-exposed-values = Cualquiera en la red local puede leer los valores.
stream-websocket = WebSocket en { $address }
stream-websocket-hint = Un mensaje JSON por fotograma analizado a cada cliente; los clientes pueden poner marcadores
stream-osc = OSC a { $address }
stream-osc-hint = Mensajes bajo /fervis por cada fotograma analizado
stream-osc-markers = Marcadores por OSC en { $address }
stream-osc-markers-hint = El mensaje /fervis/marker pone un marcador en la grabación
stream-osc-markers-name = Marcadores OSC
stream-port = Puerto: { $output }
stream-on-network = Transmisión a la red local
stream-on-network-hint = Cualquiera en la red local puede leer las expresiones de las personas ante la cámara
stream-on-computer = Transmisión en este equipo
stream-on-computer-hint = Los programas de este equipo pueden leer los valores; nunca se envían imágenes
stream-clients =
    { $count ->
        [0] { $output }, sin clientes
        [one] { $output }, { $count } cliente
       *[other] { $output }, { $count } clientes
    }
stream-refused =
    { $count ->
        [one] { $count } marcador rechazado
       *[other] { $count } marcadores rechazados
    }
stream-refused-hint = Marcadores de otros programas llegados sin grabación, demasiado rápido o ilegibles
stream-exposed = { $output } está abierto a la red local en { $address }. Cualquiera puede leer allí las expresiones de las personas ante la cámara.
stream-stays-off = { $output } sigue desactivado: { $reason }.

## File dialogs

dialog-file = Abrir imagen o vídeo
dialog-images-and-videos = Imágenes y vídeos
dialog-all-files = Todos los archivos
dialog-folder = Abrir carpeta de imágenes
dialog-session = Abrir sesión
dialog-checkpoint = Abrir checkpoint
dialog-checkpoints = Checkpoints
dialog-recordings = Carpeta de grabaciones
dialog-add-videos = Añadir vídeos
dialog-videos = Vídeos
dialog-add-folder = Añadir carpeta de vídeos
dialog-results = Carpeta de resultados
dialog-share = Carpeta para la copia
dialog-save-table = Guardar tabla
dialog-save-picture = Guardar imagen
dialog-unavailable = No se ha encontrado selector de archivos.
dialog-instead-source = Suelte el archivo aquí o inicie con él: fervis --source PATH
dialog-instead-checkpoint = Suelte el archivo aquí o inicie con él: fervis --checkpoint FILE
dialog-instead-second = Inicie con él: fervis --second FILE
dialog-instead-sessions = Para grabar en otra carpeta: fervis record SOURCE --out FOLDER
dialog-instead-many = Suelte archivos y carpetas en la ventana o use: fervis analyze FOLDER --out RESULTS
dialog-instead-reader = Para leer una sesión con un archivo: fervis reanalyze SESSION --checkpoint FILE
dialog-instead-share = Para otra carpeta: fervis redraw SESSION --hide-faces pixelate --out FOLDER
dialog-instead-table = Para guardar la tabla: fervis summarize SESSIONS --csv FILE.csv
dialog-instead-picture = Para guardar la imagen: fervis summarize SESSIONS --plot FILE.svg
dialog-instead-export = Para exportar la sesión: fervis export SESSION --format { $format } --out FILE.{ $extension }

## The view

preview-no-face = Fotograma sin rostros
preview-faces = Fotograma: { $faces }
preview-ended = { $name }: fin del archivo
preview-empty = El archivo no contiene ningún fotograma

## Two networks

second-now = Segunda red: { $name }
second-gone = Sin segunda red
second-bars = Barra superior: { $first }. Barra inferior: { $second }.
second-agreement = Mismo resultado: { $percent } % del último minuto.
second-agreement-hint = Con qué frecuencia ambas redes dieron a un rostro el mismo resultado, contado en cada fotograma

## The state of the source

state-starting-camera = Iniciando la cámara
state-opening = Abriendo
state-no-camera = fervis lee expresiones faciales de una cámara, un vídeo o una imagen, en este equipo. Conecte una cámara; se iniciará sola.
state-lost = Cámara perdida
state-unavailable = Cámara no disponible
state-retried = { $reason } fervis lo reintenta cada segundo.
state-camera-failed = Fallo de la cámara
state-failed = No se puede abrir esta fuente
state-run-demo = Ver demostración
state-open-file = Abrir archivo…
state-drop = Suelte para abrir
state-drop-what = Imagen, vídeo, carpeta de imágenes, sesión o checkpoint
state-open-again = Abrir de nuevo

## The red pill during a recording

alarm-silence = Sin imágenes desde hace { $seconds } s
alarm-less-than-a-minute = Disco casi lleno: queda menos de un minuto
alarm-minutes = Disco casi lleno: quedan unos { $minutes } min
alarm-space = Disco casi lleno: quedan { $megabytes } MB

## Exports

export-no-thread = No se puede iniciar un hilo para exportar la sesión: { $reason }.
export-exists = { $file } ya existe. Elimínelo o elija otro nombre.
export-done = { $format }: escrito en { $files }.

## The timeline of a session

replay-values-only = solo valores
replay-no-video = La sesión no tiene vídeo
replay-no-thread = No se puede iniciar un hilo para leerla: { $reason }
replay-all-faces = Todos los rostros
replay-recorded-only = Solo lo grabado
replay-with = Con { $network }
replay-with-agreement = Con { $network } (coincide { $percent } %)
replay-by = { $face } según { $network }
replay-smoothed = Suavizado
replay-raw = Bruto
replay-areas = Áreas
replay-lines = Líneas
replay-events = Eventos
replay-zoom-in = Acercar
replay-zoom-out = Alejar
replay-zoom-fit = Ver todo
replay-nothing = No se grabó nada.
replay-no-face = No se vio ningún rostro.
replay-not-seen = no visible
replay-lane = { $name } de { $from } a { $to }, ahora { $now }
replay-no-events = Sin eventos
replay-edit = Editar…
replay-edit-hint = Cambiar su tiempo y sus palabras
replay-move = Mover aquí
replay-move-hint = Moverlo a la posición de reproducción
replay-delete = Eliminar
replay-delete-hint = { $key } lo recupera
replay-video-missing = { $reason }; solo se muestran los valores de la sesión
replay-not-named = Incierto o girado

## Events of a session

event-excluded = Excluido hasta { $time }
event-detail = { $event }: { $detail }
event-started = Grabación iniciada
event-stopped = Grabación detenida
event-paused = Pausa
event-resumed = Reanudación
event-checkpoint = Red
event-source-lost = Cámara perdida
event-source-back = Cámara recuperada
event-part = Nueva parte de vídeo
event-privacy = Privacidad
event-blink = Parpadeo
event-settings = Ajustes
event-refused = Fotogramas descartados

## Faces

face-number = Rostro { $number }
faces = Rostros
faces-legend = Barra: media. Marca: último fotograma.
faces-legend-corrected = Barra: media. Marca: último fotograma. Barra fina: corregida por el rostro en reposo.
faces-loading = Cargando la red
faces-loading-hint = Las probabilidades aparecen en cuanto esté lista.
faces-no-network = Sin red
faces-no-network-hint = Elija un checkpoint en el menú Modelo para ver probabilidades.
faces-searching = Buscando rostros
faces-searching-hint = En una imagen grande tarda unos segundos.
faces-none = Ningún rostro a la vista
faces-none-hint = Mire hacia la cámara, con luz uniforme. Los rostros de menos de { $px } px se ignoran; se cambia en el menú Ver.
faces-not-seen = Aquí no hay rostros
faces-not-seen-hint = La sesión no tiene rostros en este instante.
faces-no-frame = Aún sin imagen
faces-no-frame-hint = Aquí aparecen los rostros y sus probabilidades.
face-show = Mostrar
face-show-hint = Mostrar este rostro hasta que salga de la imagen
face-pose = guiñada { $yaw }°  cabeceo { $pitch }°  alabeo { $roll }°
face-eyes = ojos { $right } { $left }  boca { $mouth }
face-pose-hint = Pose de la cabeza en grados: guiñada hacia la derecha de la imagen, cabeceo hacia arriba, alabeo en sentido horario. Ojos (derecho, izquierdo) y boca: apertura, altura entre anchura.
face-strip-hint = El último minuto. Las líneas cortas de abajo son parpadeos.
face-values = { $label }: media { $average }, último fotograma { $latest }
face-corrected = { $values }, corregido { $corrected }
face-last-minute = Último minuto de { $who }: { $seconds } s a la vista
timeline-empty = Aquí aparecen los rostros del último minuto.
face-absent = Rostro { $number }, ahora fuera de la vista
face-portrait = Retrato: { $who }
face-name-hint = Haga clic para dar nombre a este rostro (F2)
face-name-of = Nombre del rostro { $number }
face-second = { $values }, segunda red { $second }

## Window Sessions

sessions-title = Sesiones
sessions-name = Nombre
sessions-date = Fecha
sessions-length = Duración
sessions-faces = Rostros
sessions-markers = Marc.
sessions-size = Tamaño
sessions-sort = Ordenar por { $column }
sessions-unfinished = { $name } (sin terminar)
sessions-search = Buscar
sessions-search-hint = nombre, participante, condición, nota, fecha
sessions-so-far = { $count } hasta ahora…
sessions-count =
    { $count ->
        [one] { $count } sesión
       *[other] { $count } sesiones
    }
sessions-shown =
    { $all ->
        [one] { $shown } de { $all } sesión
       *[other] { $shown } de { $all } sesiones
    }
sessions-refresh = Actualizar
sessions-none = Aún no hay sesiones en { $folder }.
sessions-no-match = Ninguna sesión coincide.
sessions-choose = Elija una sesión; un doble clic la abre.
sessions-trash-question = ¿Mover «{ $name }» a la papelera?
sessions-trash = Mover a la papelera
sessions-trash-ask = Mover a la papelera…
sessions-keep = Conservar
sessions-open = Abrir
sessions-rename = Renombrar…
sessions-export = Exportar
sessions-no-thread = No se puede iniciar un hilo para listar las sesiones: { $reason }.
sessions-in-use = { $folder } se está grabando. Detenga antes la grabación.
sessions-trashed = { $folder } está en la papelera.
sessions-not-trashed = { $folder } no se pudo mover a la papelera y se queda: { $reason }.
sessions-not-shown = { $folder } no se puede mostrar: { $reason }.
sessions-program-failed = { $program } terminó con { $status }
sessions-no-program = { $program } no se puede iniciar ({ $reason })
sessions-choose-several = Ctrl o Shift y un clic eligen varias, para compararlas.
sessions-share = Compartir una copia…
sessions-chosen =
    { $count ->
        [one] { $count } sesión elegida.
       *[other] { $count } sesiones elegidas.
    }
sessions-compare = Comparar…

## Playback

play-play = Reproducir
play-pause = Pausar
play-step-back = Fotograma anterior
play-step-forward = Fotograma siguiente
play-back = Retroceder 5 segundos
play-forward = Avanzar 5 segundos
play-slower = Más lento
play-faster = Más rápido
play-position = Posición
play-speed = Velocidad { $speed }×
play-speed-hint = Velocidad de reproducción
play-unavailable = Para vídeos, animaciones y carpetas
play-picture = imagen { $number }
play-picture-of = imagen { $number } de { $all }
play-of = { $number } de { $all }

## The recording in the menu bar

bar-record = Grabar
bar-starting = iniciando…
bar-mark-hint = Poner marcador ({ $key }); con nota: { $key_with_note }
bar-about-hint = De quién y de qué trata la próxima grabación
bar-note = ¿Qué ocurrió?
bar-recording = Grabación { $status }
bar-finishing = finalizando…
bar-markers =
    { $count ->
        [one] { $count } marcador
       *[other] { $count } marcadores
    }
bar-dropped = { $count } descartados
bar-free = { $size } libres
bar-details = { $captured } fotogramas, { $analyzed } analizados, { $recorded } en el vídeo, { $faces } rostros
bar-free-on-disk = { $size } libres en disco
bar-paused = en pausa { $time }

## How recordings ended

recorded-repaired = La grabación { $folder } se interrumpió. Se ha reparado y tiene { $frames } fotogramas ({ $time }).
recorded-failed = { $reason } La grabación en { $folder } se ha detenido.
recorded = Grabado { $time } en { $folder }.
recorded-dropped = Se descartaron { $dropped } de { $captured } fotogramas porque no pudieron escribirse a tiempo.

## The status bar

status-starting = iniciando
status-live = en directo
status-paused = en pausa
status-playing = reproduciendo
status-no-camera = sin cámara
status-lost = perdida
status-waiting = esperando
status-failed = fallo
status-photo = foto
status-ended = terminado
status-changed =
    { $count ->
        [one] { $count } ajuste cambiado · Restablecer
       *[other] { $count } ajustes cambiados · Restablecer
    }
status-changed-hint = { $settings }. Haga clic para volver a los valores predeterminados.
status-loading-another = { $name }, cargando otra…
status-loading = cargando la red…
status-no-network = sin red
status-network-hint = Red en uso
status-starting-device = iniciando…
status-device-hint = Dispositivo que ejecuta la red
status-analysis = análisis
status-analysis-hint = Fotogramas analizados por segundo
status-analysis-more = Fotogramas analizados por segundo. Estadísticas, en el menú Ver, muestra más.
status-capture = captura
status-capture-hint = Fotogramas capturados por segundo
status-latency = latencia
status-latency-hint = Tiempo de la captura al resultado: mediana y percentil 95
status-dropped = descartados
status-dropped-hint = Fotogramas sin analizar desde que se abrió la fuente, porque el análisis era demasiado lento
status-damaged = dañados
status-damaged-hint = Fotogramas dañados omitidos desde que se abrió la fuente
