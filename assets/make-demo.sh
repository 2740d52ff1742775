#!/bin/sh
# Makes demo.mp4 from faces/astronaut.png with ffmpeg (5.1 or newer) and libx264. Run it in this folder.
#
# A portrait medallion drifts, comes nearer and farther and tilts over a calm ground; half way through, a smaller
# mirrored copy slides in and out, so that two faces of different size are followed. Every motion is a whole number
# of turns in the clip, so the last frame meets the first and the clip loops without a seam.
set -eu

rate=30
frames=270 # 9 s.

# The phase of frame `on`, 0 to 2 pi, and a bump that rises from 0 to 1 and falls back in the clip's second half.
phase="(2*PI*on/$frames)"
bump="pow(max(0,-sin($phase)),0.6)"

# corners SCALE TILT CENTER_X CENTER_Y: where the `perspective` filter puts the corners of a 640x480 layer. That filter
# moves by fractions of a pixel, which `overlay` and `scale` do not: they would make a slow motion tremble.
corners() {
    s=$1 a=$2 x=$3 y=$4
    c="cos($a)" n="sin($a)"
    printf "x0='%s':y0='%s':x1='%s':y1='%s':x2='%s':y2='%s':x3='%s':y3='%s'" \
        "$x+$s*(-320*$c+240*$n)" "$y+$s*(-320*$n-240*$c)" \
        "$x+$s*(320*$c+240*$n)" "$y+$s*(320*$n-240*$c)" \
        "$x+$s*(-320*$c-240*$n)" "$y+$s*(-320*$n+240*$c)" \
        "$x+$s*(320*$c-240*$n)" "$y+$s*(320*$n+240*$c)"
}

near=$(corners "(1.02+0.2*sin($phase))" "0.12*sin(2*$phase)" "320+40*sin(3*$phase)-140*$bump" "240+22*sin(2*$phase)")
far=$(corners "(0.58+0.03*cos($phase))" "0.1*cos($phase)" "860-355*$bump" "262+14*sin(2*$phase)")

# The head of the 512x512 picture, in a circle with a soft edge.
medallion="crop=300:300:76:0,format=yuva444p,geq=lum='p(X,Y)':cb='p(X,Y)':cr='p(X,Y)':a='255*clip((148-hypot(X-150,Y-150))/10,0,1)'"
layer="scale=440:440:flags=lanczos,pad=640:480:100:20:color=black@0,loop=-1:1:0,setpts=N/$rate/TB,trim=end_frame=$frames"

ffmpeg -y -loglevel error -i faces/astronaut.png \
    -f lavfi -i "color=c=black:s=640x480:r=$rate:d=0.03,format=yuv444p,geq=lum='70+38*Y/H-26*hypot(X-320,Y-240)/400':cb=133:cr=124" \
    -filter_complex "
        [1]loop=-1:1:0,setpts=N/$rate/TB,trim=end_frame=$frames[ground];
        [0]$medallion,split[one][two];
        [one]$layer,perspective=$near:sense=destination:eval=frame:interpolation=cubic[near];
        [two]hflip,$layer,perspective=$far:sense=destination:eval=frame:interpolation=cubic[far];
        [ground][near]overlay=format=yuv444[with_near];
        [with_near][far]overlay=format=yuv444,format=yuv420p,setsar=1" \
    -r $rate -frames:v $frames -an \
    -c:v libx264 -profile:v main -preset veryslow -bf 0 -g 90 -crf 26 \
    -colorspace smpte170m -color_primaries smpte170m -color_trc smpte170m -color_range tv \
    -map_metadata -1 -fflags +bitexact -flags:v +bitexact -movflags +faststart demo.mp4
