/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A guest of one sector that leaves evidence on its own disk.
 *
 *   sector 1   "UP " and the signature of the hypervisor it runs on (CPUID 0x40000000), or
 *              "no hypervisor", as soon as it is up
 *   sector 2   "BUTTON", once somebody pressed the power button; then it powers off
 *
 * Ports: the ICH9's PM1a event block is at PMBASE 0x600 (SeaBIOS src/fw/dev-q35.h): status at +0,
 * enable at +2, control at +4. The power button is bit 8 of the first two (ACPI 6.5, 4.8.3.1), S5
 * is SLP_TYP 0 with SLP_EN, bit 13, of the third (QEMU hw/acpi/ich9.c).
 */
        .code16
        .globl  _start
_start: cli
        xorw    %ax, %ax
        movw    %ax, %ds
        movw    %ax, %es
        movw    %ax, %ss
        movw    $0x7c00, %sp
        sti
        cld
        movb    %dl, drive

        /* Without the hypervisor bit the leaf means something else. */
        movl    $1, %eax
        cpuid
        btl     $31, %ecx
        jnc     record
        movl    $0x40000000, %eax
        cpuid
        movl    %ebx, signature
        movl    %ecx, signature + 4
        movl    %edx, signature + 8
        movl    $0x20202020, signature + 12

record: movw    $up, %si
        movw    $1, block
        call    write

        movw    $0x602, %dx
        movw    $0x100, %ax
        outw    %ax, %dx
        /* The timer's interrupt ends each hlt. */
wait:   hlt
        movw    $0x600, %dx
        inw     %dx, %ax
        testb   $1, %ah
        jz      wait

        movw    $button, %si
        movw    $2, block
        call    write
        movw    $0x604, %dx
        movw    $0x2000, %ax
        outw    %ax, %dx
stop:   hlt
        jmp     stop

/* Writes sixteen and some bytes from %si, and what happens to follow, to the sector “block”. */
write:  movw    %si, buffer
        movw    $packet, %si
        movb    drive, %dl
        movw    $0x4300, %ax
        int     $0x13
        ret

drive:  .byte   0
up:     .ascii  "UP "
signature:
        .ascii  "no hypervisor   "
button: .ascii  "BUTTON"
        .balign 4
packet: .byte   16, 0
        .word   1
buffer: .word   0, 0
block:  .quad   0
        .org    510
        .word   0xaa55
