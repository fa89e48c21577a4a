/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A guest of one sector with a picture of 320x200 in 256 colours, x xor y, that takes keys: each one
 * goes, as its character, to the sector 1 of its own disk, and is added to the colours.
 */
        .code16
        .globl  _start
_start: cli
        xorw    %ax, %ax
        movw    %ax, %ds
        movw    %ax, %ss
        movw    $0x7c00, %sp
        sti
        cld
        movb    %dl, drive
        movw    $0x13, %ax
        int     $0x10

draw:   movw    $0xa000, %ax
        movw    %ax, %es
        xorw    %di, %di
        xorw    %dx, %dx
line:   xorw    %cx, %cx
pixel:  movb    %cl, %al
        xorb    %dl, %al
        addb    key, %al
        stosb
        incw    %cx
        cmpw    $320, %cx
        jne     pixel
        incw    %dx
        cmpw    $200, %dx
        jne     line

        xorw    %ax, %ax
        int     $0x16
        movb    %al, key
        movw    $packet, %si
        movb    drive, %dl
        movw    $0x4300, %ax
        int     $0x13
        jmp     draw

drive:  .byte   0
        .balign 4
packet: .byte   16, 0
        .word   1
        .word   key, 0
        .quad   1
key:    .byte   0
        .org    510
        .word   0xaa55
