# The texts of the window in Simplified Chinese. English is the source: a text that is missing here appears in English.
# How to add a text or a language: CONTRIBUTING.md.

## Labels of faces

label-angry = 愤怒
label-disgust = 厌恶
label-fear = 恐惧
label-happy = 高兴
label-sad = 悲伤
label-surprise = 惊讶
label-neutral = 中性
label-uncertain = 不确定
label-turned-away = 侧转

## Buttons and words of several places

save = 保存
cancel = 取消
clear = 清空
no-thread = 无法启动线程：{ $reason }。
show-folder = 打开所在文件夹

## Menus

menu-file = 文件
menu-source = 来源
menu-playback = 播放
menu-model = 模型
menu-record = 录制
menu-view = 视图
menu-stream = 数据流
menu-help = 帮助

## Menu File

file-open-file = 打开图像或视频…
file-open-folder = 打开文件夹…
file-open-session = 打开会话…
file-open-checkpoint = 打开检查点…
file-sessions = 会话列表…
file-recent = 最近的会话
file-recent-files = 最近的文件
file-export = 导出会话
file-read-again = 用其他网络分析
file-choose-network = 选择文件…
file-share = 分享隐藏人脸的副本…
file-many = 批量分析…
file-quit = 退出

## Formats of exports

format-webvtt = 字幕 (WebVTT)
format-srt = 字幕 (SRT)
format-elan = ELAN 文档
format-bids = BIDS 事件
format-py-feat = py-feat 表格 (CSV)
format-parquet = Parquet 表格
format-summary = 各人脸摘要 (CSV)
format-svg = 图表 (SVG)
format-png = 图表 (PNG)

## Menu Source

source-searching = 正在查找摄像头…
source-none = 未找到摄像头
source-demo = 演示
source-play-again = 重新播放
source-refresh = 刷新摄像头列表

## Menu Model

model-fervis-plus = 与人的判断一致：适合实时使用
model-fervis = 按 FER-2013 标签：便于与已发表结果比较
model-three-block = 小而简单：适合教学
model-recent = 最近使用
model-in-folder = { $file }（{ $folder }）
model-second = 第二网络
model-second-none = 无
model-second-note = 读取相同的人脸，用于比较

## Menu Record

record-start = 开始录制
record-stop = 停止录制
record-pause = 暂停录制
record-resume = 继续录制
record-mark = 添加标记
record-mark-with-note = 添加带备注的标记…
record-exclude-from = 从此处开始排除
record-exclude-to = 排除到此处
record-undo = 撤销
record-video-annotated = 带人脸框的视频
record-video-clean = 不带人脸框的视频
record-video-both = 两种视频
record-video-none = 仅数值，无视频
record-about = 对象与内容…
record-marker-keys = 标记按键…
record-folder = 录制文件夹…
record-folder-now = 当前：{ $folder }

## Menu View

view-mirror = 镜像
view-boxes = 人脸框
view-mesh = 人脸网格
view-bars = 概率条
view-fullscreen = 全屏
view-timeline = 时间轴
view-statistics = 统计
view-privacy = 隐私
view-privacy-key = 按 { $key } 切换
view-privacy-off = 关闭
view-privacy-pixelate = 人脸马赛克
view-privacy-blur = 人脸模糊
view-smoothing = 平滑
view-averaging = 镜像平均（较慢，仅对“fervis”有益）
view-set-neutral = 记录静息表情
view-forget-neutral = 清除静息表情
view-uncertain = 低于此值为不确定
view-own-threshold = 使用网络自带阈值
view-min-face = 最小人脸尺寸
view-rustface = 仅用 rustface 查找人脸
view-theme = 主题
view-follow-system = 跟随系统
view-theme-light = 浅色
view-theme-dark = 深色
view-language = 语言

## Menu Help

help-keyboard = 键盘快捷键
help-about = 关于 fervis

## Window About fervis

about-purpose = 实时读取面部表情。
about-privacy = 一切都在本机运行。不录制就不会保存任何内容，不开启数据流就不会发送任何内容。
about-estimate = 概率条是神经网络对面部表情的估计，并不代表人的内心感受。
about-detector = 人脸检测器
about-second-detector = 第二检测器
about-short-range = BlazeFace 近距离版，MediaPipe (Apache-2.0)
about-mesh = Face Mesh，MediaPipe (Apache-2.0)
about-seetaface = SeetaFace，经 rustface (BSD-2-Clause)
about-device = 设备
about-not-started = 未启动
about-network = 神经网络
about-not-loaded = 未加载
about-architecture = 架构
about-parameters = 参数量
about-millions = { $n } 百万
about-license = 许可证：{ $license }
about-change = 更改…

## Window Keyboard shortcuts

# Two keys, and the first and the last of a row of keys.
keys-and = { $a } 和 { $b }
keys-to = { $a } 至 { $b }
keys-or-double-click = { $key } 或双击
keys-zoom = { $plus }、减号和 0
keys-open = 打开
keys-file = 图像或视频
keys-folder = 图像文件夹
keys-session = 已录制的会话
keys-sessions = 会话列表
keys-checkpoint = 检查点
keys-camera = 摄像头（按菜单顺序）
keys-record-toggle = 开始和停止
keys-record-pause = 暂停和继续
keys-mark-with-note = 添加带备注的标记
keys-mark-own-words = 添加自定义文字的标记
keys-marker-keys = 标记按键的文字
keys-about = 对象与内容
keys-replay = 回放
keys-add-marker = 添加标记
keys-exclude = 从此处开始／到此处排除
keys-timeline = 最近一分钟的时间轴
keys-name-face = 为第一张人脸命名，然后是下一张
keys-fullscreen = 切换全屏
keys-text-size = 放大、缩小、恢复文字
keys-privacy = 隐私：马赛克、模糊、关闭
keys-smoothing = 减弱和增强平滑
keys-averaging = 镜像平均
keys-neutral = 记录和清除静息表情
keys-uncertain = 降低和提高“不确定”阈值
keys-face-size = 减小和增大最小人脸尺寸
keys-websocket = 开关 WebSocket
keys-osc = 开关 OSC
keys-osc-markers = 开关 OSC 标记
keys-windows = 菜单和窗口
keys-open-menu = 打开菜单，再用方向键和回车
keys-tab = 下一个控件
keys-close = 关闭菜单或窗口
keys-list = 显示此列表
keys-play = 播放和暂停
keys-skip = 后退和前进 5 秒
play-start = 回到开头
keys-step = 上一帧和下一帧
keys-speed = 减速和加速
keys-loop = 循环

## What a session is about

field-participant = 参与者
field-name = 会话名称
field-condition = 实验条件
field-note = 备注
session-rename-title = 重命名会话
session-about-hint = 用于之后录制的会话，并写入其导出文件。

## Markers and excluded spans

marker = 标记
# The time is that of the recording.
marker-set = 标记 { $number } · { $time }
marker-keys-title = 标记按键
marker-keys-use = 录制时，按数字键即添加带有这些文字的标记。
marker-keys-kept = 文字会被保存，并写入每个 session.json。
marker-keys-key = 按键 { $number }
annotation-excluded = 排除的片段
annotation-what = 发生了什么
annotation-why = 原因
annotation-time = 时间
annotation-from = 从
annotation-until = 到
annotation-times = 时间请写作 12:04.5。
annotation-order = 片段的结束早于开始。
annotation-undone = 已撤销
annotation-not-undone = 没有可撤销的操作
annotation-not-kept = 标注未保存：{ $reason }。
annotation-shown-only = 您对会话的说明会显示，但未保存。
annotation-excluding = 从 { $from } 开始排除：结束时再按一次 X
annotation-excluded-span = 已排除 { $from } 至 { $to }
annotation-none-excluded = 未排除任何内容
annotation-deleted = 已删除 { $time } 处；按 { $key } 恢复

## Networks

network-now = 现在使用“{ $name }”。
network-still = 仍在使用“{ $name }”。
network-choose = 请在“模型”菜单中选择其他网络。
network-not-kept = 您的选择在打开其他网络之前有效。
assume-title = 其他程序的网络
assume-why = “{ $name }”未说明其制作方式。
assume-kept = 保存在网络旁的 { $file } 中。
assume-use = 使用
assume-outputs = 输出
assume-as-named = 如下命名
assume-alphabetical = 字母顺序
assume-in-order = 依次为
assume-channels = 通道
assume-gray = 灰度，三份
assume-rgb = 红、绿、蓝
assume-bgr = 蓝、绿、红
assume-values = 数值
assume-imagenet = ImageNet 标准
assume-numbers-below = 按下列数字
assume-mean = 均值
assume-deviation = 标准差
assume-count = 网络有 { $outputs } 个输出，已命名 { $names } 个。
assume-numbers = { $name }须为一个数，或用逗号分隔的三个数。

## The question before a recording ends

guard-question = 已录制 { $time }。{ $question }
guard-key = 要停止吗？
guard-closing = 要停止并关闭吗？
guard-close = 停止并关闭
guard-source = 要停止并打开其他来源吗？
guard-open = 停止并打开
guard-kept = 已录制的内容会保留。
guard-keep = 继续录制
guard-keys = R 停止，Esc 继续录制。

## Window Analyze many

many-title = 批量分析
many-purpose = 分析每个视频的每一帧，已完成的文件会跳过。
many-add-files = 添加文件…
many-add-folder = 添加文件夹…
many-drop = 或拖放到此处
many-remove = 移除
many-results = 结果保存到
many-choose = 选择…
many-no-folder = 尚未选择文件夹
many-names = 文件名含义
many-jobs = 同时处理
many-start = 开始
many-stop = 停止
many-stopping = 正在停止…
many-looking = 正在查找文件…
many-tables = 正在写入表格…
many-progress = { $done } / { $all } 个文件
many-finished-before = 另有 { $count } 个此前已完成
many-frames = { $count } 帧
many-report = { $files } 个文件：{ $analyzed } 个已分析，{ $finished } 个此前已完成，{ $failed } 个失败
many-stopped = 已在完成 { $done } / { $all } 个文件后停止。再次开始即可继续。
many-done = 已分析 { $count } 个文件。
many-failed = 已分析 { $done } / { $all } 个文件，{ $failed } 个失败。

## Work on recorded sessions

tool-canceling = 正在取消…
tool-loading = 正在加载 { $network }
tool-opening = 正在打开 { $session }
tool-reads = { $network } 正在读取 { $session }
tool-reads-one-of = { $network } 正在读取 { $session }（{ $at } / { $all }）
tool-hides = 正在隐藏 { $session } 中的人脸
tool-sessions = { $count } 个会话
tool-read = { $network } 已读取 { $sessions }。
tool-read-agreement = { $network } 已读取 { $session }：{ $percent } % 的人脸标签与之前相同。
tool-read-before = { $network } 此前已读取过 { $sessions }。
tool-open = 打开
tool-replace = 替换
tool-more-failed = 另有 { $count } 个会话无法读取。
tool-canceled = 已取消，未写入任何内容。
tool-canceled-after = 已取消，已完成的内容保留。
tool-shared = 隐藏人脸的 { $session } 位于 { $folder }。
tool-old-boxes = 没有不带人脸框的视频，因此录制时的人脸框仍然可见。

## Window Share a copy with hidden faces

share-title = 分享隐藏人脸的副本
share-video = { $session } 的视频
share-limits = 会话保持不变。头发、衣服、姿势和房间仍然可见。
share-faces = 人脸
share-pixelated = 马赛克
share-blurred = 模糊
share-without-boxes = 不带
share-with-boxes = 带
share-both = 各一个视频
share-visible = 保持可见
share-visible-hint = 无；或编号，如 1, 3
share-not-a-number = “{ $word }”不是人脸编号。请输入编号，如 1, 3。
share-folder = 新文件夹位于
share-make = 制作副本

## Window Compare sessions

compare-title = 比较会话
compare-reading = 正在读取会话
compare-canceled = 已取消。选择分组方式即可重新比较。
compare-save-table = 保存表格…
compare-save-picture = 保存图片…
compare-by = { $count } 个会话，按
compare-participant = 参与者
compare-session = 会话
compare-condition = 条件
compare-saved = 已保存到 { $file }。
compare-picture = 各组的时间占比，带区间的条形图

## Messages

severity-note = 提示
severity-warning = 警告
severity-error = 错误
notices = 消息
notices-dismiss = 关闭
neutral-hold = 请保持静息表情三秒钟
session-no-thread = 无法启动播放会话的线程：{ $reason }
recorded-replay = 回放
recorded-rename = 重命名
settings-unreadable = { $file }：无法读取设置（{ $reason }）。将使用默认值。
settings-damaged = { $file }：设置已损坏（{ $reason }）。将使用默认值。

## A setting that has just changed

changed-on = { $name }：开
changed-off = { $name }：关
changed-zoom = 大小 { $percent } %
changed-smoothing = 平滑 { $ms } ms
changed-smoothing-off = 平滑：关
changed-uncertain = 低于 { $percent } % 为不确定
changed-own-threshold = 网络自带阈值
changed-all-detectors = 全部人脸检测器
changed-rustface = 仅 rustface
changed-min-face = 最小人脸尺寸 { $px } px
changed-privacy-off = 显示人脸
changed-privacy-pixelate = 人脸已马赛克
changed-privacy-blur = 人脸已模糊

## Live outputs

stream-unavailable = 此版本不含实时输出（特性 `stream`）
stream-values-only = 仅发送数值，绝不发送画面。
stream-local = 只有本机程序可以读取。
stream-exposed-values = 网络上的任何人都能读取数值。
stream-websocket = WebSocket：{ $address }
stream-websocket-hint = 每分析一帧向所有客户端发送一条 JSON 消息；客户端可添加标记
stream-osc = OSC：{ $address }
stream-osc-hint = 每分析一帧发送 /fervis 下的消息
stream-osc-markers = OSC 标记：{ $address }
stream-osc-markers-hint = 消息 /fervis/marker 会在录制中添加标记
stream-osc-markers-name = OSC 标记
stream-port = { $output } 端口
stream-on-network = 正在向网络发送
stream-on-network-hint = 网络上的任何人都能读取摄像头前人员的表情
stream-on-computer = 正在本机发送
stream-on-computer-hint = 本机程序可以读取数值，绝不发送画面
stream-clients =
    { $count ->
        [0] { $output }，无客户端
       *[other] { $output }，{ $count } 个客户端
    }
stream-refused = 已拒绝 { $count } 个标记
stream-refused-hint = 其他程序的标记：未在录制、过快或无法识别
stream-exposed = { $output } 已在 { $address } 向网络开放。网络上的任何人都能读取摄像头前人员的表情。
stream-stays-off = { $output } 未能开启：{ $reason }。

## File dialogs

dialog-file = 打开图像或视频
dialog-images-and-videos = 图像和视频
dialog-all-files = 所有文件
dialog-folder = 打开图像文件夹
dialog-session = 打开会话
dialog-checkpoint = 打开检查点
dialog-checkpoints = 检查点
dialog-recordings = 录制文件夹
dialog-add-videos = 添加视频
dialog-videos = 视频
dialog-add-folder = 添加视频文件夹
dialog-results = 结果文件夹
dialog-share = 副本文件夹
dialog-save-table = 保存表格
dialog-save-picture = 保存图片
dialog-unavailable = 未找到文件选择器。
dialog-instead-source = 请将文件拖放到此处，或以此启动：fervis --source PATH
dialog-instead-checkpoint = 请将文件拖放到此处，或以此启动：fervis --checkpoint FILE
dialog-instead-second = 请以此启动：fervis --second FILE
dialog-instead-sessions = 录制到其他文件夹：fervis record SOURCE --out FOLDER
dialog-instead-many = 请将文件和文件夹拖放到窗口，或使用：fervis analyze FOLDER --out RESULTS
dialog-instead-reader = 用文件读取会话：fervis reanalyze SESSION --checkpoint FILE
dialog-instead-share = 其他文件夹：fervis redraw SESSION --hide-faces pixelate --out FOLDER
dialog-instead-table = 保存表格：fervis summarize SESSIONS --csv FILE.csv
dialog-instead-picture = 保存图片：fervis summarize SESSIONS --plot FILE.svg
dialog-instead-export = 导出会话：fervis export SESSION --format { $format } --out FILE.{ $extension }

## The view

preview-no-face = 画面，没有人脸
preview-faces = 画面：{ $faces }
preview-ended = { $name }：文件已播放完毕
preview-empty = 文件不含任何画面

## Two networks

second-now = 第二网络：{ $name }
second-gone = 没有第二网络
second-bars = 上方条形：{ $first }。下方条形：{ $second }。
second-agreement = 最近一分钟结果相同：{ $percent } %。
second-agreement-hint = 两个网络对同一人脸给出相同结果的比例，按每一帧统计

## The state of the source

state-starting-camera = 正在启动摄像头
state-opening = 正在打开
state-no-camera = fervis 在本机读取摄像头、视频或图像中的人脸表情。请连接摄像头，连接后会自动启动。
state-lost = 摄像头已断开
state-unavailable = 摄像头不可用
state-retried = { $reason } fervis 每秒重试一次。
state-camera-failed = 摄像头出错
state-failed = 无法打开此来源
state-run-demo = 运行演示
state-open-file = 打开文件…
state-drop = 松开以打开
state-drop-what = 图像、视频、图像文件夹、会话或检查点
state-open-again = 再次打开

## The red pill during a recording

alarm-silence = 已 { $seconds } 秒没有画面
alarm-less-than-a-minute = 磁盘将满：剩余不足一分钟
alarm-minutes = 磁盘将满：约剩 { $minutes } 分钟
alarm-space = 磁盘将满：剩余 { $megabytes } MB

## Exports

export-no-thread = 无法启动导出会话的线程：{ $reason }。
export-exists = { $file } 已存在。请删除它，或另选名称。
export-done = { $format } 已写入 { $files }。

## The timeline of a session

replay-values-only = 仅数值
replay-no-video = 会话没有视频
replay-no-thread = 无法启动读取线程：{ $reason }
replay-all-faces = 所有人脸
replay-recorded-only = 仅录制值
replay-with = 对比 { $network }
replay-with-agreement = 对比 { $network }（一致 { $percent } %）
replay-by = { $face }，{ $network }
replay-smoothed = 平滑值
replay-raw = 原始值
replay-areas = 面积
replay-lines = 折线
replay-events = 事件
replay-zoom-in = 放大
replay-zoom-out = 缩小
replay-zoom-fit = 适合窗口
replay-nothing = 没有录制任何内容。
replay-no-face = 没有看到人脸。
replay-not-seen = 不可见
replay-lane = { $name }，{ $from } 至 { $to }，现在{ $now }
replay-no-events = 没有事件
replay-edit = 编辑…
replay-edit-hint = 更改时间和文字
replay-move = 移到此处
replay-move-hint = 移到当前播放位置
replay-delete = 删除
replay-delete-hint = 按 { $key } 恢复
replay-video-missing = { $reason }；仅显示会话的数值
replay-not-named = 不确定或侧转

## Events of a session

event-excluded = 排除至 { $time }
event-detail = { $event }：{ $detail }
event-started = 录制开始
event-stopped = 录制停止
event-paused = 暂停
event-resumed = 继续
event-checkpoint = 神经网络
event-source-lost = 摄像头断开
event-source-back = 摄像头恢复
event-part = 新的视频片段
event-privacy = 隐私
event-blink = 眨眼
event-settings = 设置
event-refused = 丢帧

## Faces

face-number = 人脸 { $number }
faces = 人脸
faces-legend = 条形：平均值。刻度：最新一帧。
faces-legend-corrected = 条形：平均值。刻度：最新一帧。细条：按静息表情校正。
faces-loading = 正在加载神经网络
faces-loading-hint = 就绪后即显示概率。
faces-no-network = 没有神经网络
faces-no-network-hint = 请在“模型”菜单中选择检查点以查看概率。
faces-searching = 正在查找人脸
faces-searching-hint = 大图片需要几秒钟。
faces-none = 画面中没有人脸
faces-none-hint = 请在均匀光线下面向摄像头。小于 { $px } px 的人脸会被忽略，可在“视图”菜单中更改。
faces-not-seen = 此处没有人脸
faces-not-seen-hint = 会话在此时刻没有人脸。
faces-no-frame = 尚无画面
faces-no-frame-hint = 人脸及其概率会显示在这里。
face-show = 显示人脸
face-show-hint = 显示此人脸，直到其离开画面
face-pose = 偏航 { $yaw }°  俯仰 { $pitch }°  翻滚 { $roll }°
face-eyes = 眼 { $right } { $left }  嘴 { $mouth }
face-pose-hint = 头部姿态（度）：偏航朝画面右侧，俯仰朝上，翻滚为顺时针。眼（右、左）和嘴：张开度，即高宽比。
face-strip-hint = 最近一分钟。底部短线为眨眼。
face-values = { $label }：平均 { $average }，最新一帧 { $latest }
face-corrected = { $values }，校正后 { $corrected }
face-last-minute = { $who } 的最近一分钟：可见 { $seconds } 秒
timeline-empty = 最近一分钟的人脸会显示在这里。
face-absent = 人脸 { $number }，当前不在画面中
face-portrait = { $who } 的头像
face-name-hint = 单击为此人脸命名 (F2)
face-name-of = 人脸 { $number } 的名称
face-second = { $values }，第二网络 { $second }

## Window Sessions

sessions-title = 会话
sessions-name = 名称
sessions-date = 日期
sessions-length = 时长
sessions-faces = 人脸
sessions-markers = 标记
sessions-size = 大小
sessions-sort = 按{ $column }排序
sessions-unfinished = { $name }（未完成）
sessions-search = 搜索
sessions-search-hint = 名称、参与者、条件、备注、日期
sessions-so-far = 已找到 { $count } 个…
sessions-count = { $count } 个会话
sessions-shown = { $shown } / { $all } 个会话
sessions-refresh = 刷新
sessions-none = { $folder } 中还没有会话。
sessions-no-match = 没有符合的会话。
sessions-choose = 请选择会话，双击可打开。
sessions-trash-question = 将“{ $name }”移到回收站？
sessions-trash = 移到回收站
sessions-trash-ask = 移到回收站…
sessions-keep = 保留
sessions-open = 打开
sessions-rename = 重命名…
sessions-export = 导出
sessions-no-thread = 无法启动列出会话的线程：{ $reason }。
sessions-in-use = { $folder } 正在录制。请先停止录制。
sessions-trashed = { $folder } 已在回收站中。
sessions-not-trashed = { $folder } 无法移到回收站，仍保留：{ $reason }。
sessions-not-shown = 无法显示 { $folder }：{ $reason }。
sessions-program-failed = { $program } 以 { $status } 结束
sessions-no-program = { $program } 无法启动（{ $reason }）
sessions-choose-several = 按住 Ctrl 或 Shift 单击可选择多个进行比较。
sessions-share = 分享副本…
sessions-chosen = 已选择 { $count } 个会话。
sessions-compare = 比较…

## Playback

play-play = 播放
play-pause = 暂停
play-step-back = 上一帧
play-step-forward = 下一帧
play-back = 后退 5 秒
play-forward = 前进 5 秒
play-slower = 减速
play-faster = 加速
play-position = 位置
play-speed = 速度 { $speed }×
play-speed-hint = 播放速度
play-unavailable = 适用于视频、动画和文件夹
play-picture = 第 { $number } 张
play-picture-of = 第 { $number } 张，共 { $all } 张
play-of = { $number } / { $all }

## The recording in the menu bar

bar-record = 录制
bar-starting = 正在开始…
bar-mark-hint = 添加标记 ({ $key })；带备注：{ $key_with_note }
bar-about-hint = 下次录制的对象与内容
bar-note = 发生了什么？
bar-recording = 录制 { $status }
bar-finishing = 正在完成…
bar-markers = { $count } 个标记
bar-dropped = 丢弃 { $count }
bar-free = 剩余 { $size }
bar-details = { $captured } 帧，{ $analyzed } 帧已分析，{ $recorded } 帧在视频中，{ $faces } 张人脸
bar-free-on-disk = 磁盘剩余 { $size }
bar-paused = 已暂停 { $time }

## How recordings ended

recorded-repaired = 录制 { $folder } 曾中断，现已修复，共 { $frames } 帧（{ $time }）。
recorded-failed = { $reason } 到 { $folder } 的录制已停止。
recorded = 已录制 { $time }，保存到 { $folder }。
recorded-dropped = { $captured } 帧中有 { $dropped } 帧因来不及写入而被丢弃。

## The status bar

status-starting = 正在启动
status-live = 实时
status-paused = 已暂停
status-playing = 播放中
status-no-camera = 无摄像头
status-lost = 已断开
status-waiting = 等待中
status-failed = 失败
status-photo = 照片
status-ended = 已结束
status-changed = { $count } 项设置已更改 · 重置
status-changed-hint = { $settings }。点击恢复默认值。
status-loading-another = { $name }，正在加载另一个…
status-loading = 正在加载网络…
status-no-network = 无网络模型
status-network-hint = 当前网络
status-starting-device = 正在启动设备…
status-device-hint = 运行网络的设备
status-analysis = 分析
status-analysis-hint = 每秒分析帧数
status-analysis-more = 每秒分析帧数。更多信息见“视图”菜单中的“统计”。
status-capture = 采集
status-capture-hint = 每秒采集帧数
status-latency = 延迟
status-latency-hint = 从采集到结果的时间：中位数和第 95 百分位
status-dropped = 丢弃
status-dropped-hint = 自打开来源以来因分析过慢而未分析的帧
status-damaged = 损坏
status-damaged-hint = 自打开来源以来跳过的损坏帧
