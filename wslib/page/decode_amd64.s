#include "textflag.h"

// Each function takes dst, packed, keys, n and scale: it writes n weights to dst, a multiple of 16 and not
// 0. Registers: DI dst, SI packed, R8 keys, CX n, Y0 scale, Y1 bits, Y2 values of codes of 2 bits times
// scale, Y6 values of keys, Y7 bits of keys. A round of a loop makes sixteen weights, in Y4 and Y5.

// Where the code of each of eight weights of 2 bits begins. Eight more begin 16 bits on.
DATA bits2<>+0(SB)/4, $0
DATA bits2<>+4(SB)/4, $2
DATA bits2<>+8(SB)/4, $4
DATA bits2<>+12(SB)/4, $6
DATA bits2<>+16(SB)/4, $8
DATA bits2<>+20(SB)/4, $10
DATA bits2<>+24(SB)/4, $12
DATA bits2<>+28(SB)/4, $14
GLOBL bits2<>(SB), RODATA|NOPTR, $32

// How far the code of each of eight weights of 4 bits is from the top of four bytes.
DATA bits4<>+0(SB)/4, $28
DATA bits4<>+4(SB)/4, $24
DATA bits4<>+8(SB)/4, $20
DATA bits4<>+12(SB)/4, $16
DATA bits4<>+16(SB)/4, $12
DATA bits4<>+20(SB)/4, $8
DATA bits4<>+24(SB)/4, $4
DATA bits4<>+28(SB)/4, $0
GLOBL bits4<>(SB), RODATA|NOPTR, $32

// The values of codes of 2 bits.
DATA codes<>+0(SB)/4, $-1.5
DATA codes<>+4(SB)/4, $-0.5
DATA codes<>+8(SB)/4, $0.5
DATA codes<>+12(SB)/4, $1.5
GLOBL codes<>(SB), RODATA|NOPTR, $16

#define ARGS \
	MOVQ dst+0(FP), DI \
	MOVQ packed+8(FP), SI \
	MOVQ keys+16(FP), R8 \
	MOVQ n+24(FP), CX \
	VBROADCASTSS scale+32(FP), Y0 \
	VBROADCASTF128 codes<>(SB), Y6 \
	VMOVDQU bits2<>(SB), Y7

// LOOKUP writes the values of sixteen codes of 2 bits. VPERMILPS goes by the two lowest bits of each four
// bytes. A shift by a variable is slow on many processors: the second eight shift by a constant.
#define LOOKUP(from, values, a, b) \
	VPBROADCASTD (from), a \
	VPSRLVD Y7, a, a \
	VPSRLD $16, a, b \
	VPERMILPS a, values, a \
	VPERMILPS b, values, b \
	ADDQ $4, from

#define DECODE2 LOOKUP(SI, Y2, Y4, Y5)

#define DECODE4 \
	VPBROADCASTD (SI), Y4 \
	VPBROADCASTD 4(SI), Y5 \
	VPSLLVD Y1, Y4, Y4 \
	VPSLLVD Y1, Y5, Y5 \
	VPSRAD $28, Y4, Y4 \
	VPSRAD $28, Y5, Y5 \
	VCVTDQ2PS Y4, Y4 \
	VCVTDQ2PS Y5, Y5 \
	VMULPS Y0, Y4, Y4 \
	VMULPS Y0, Y5, Y5 \
	ADDQ $8, SI

#define DECODE8 \
	VPMOVSXBD (SI), Y4 \
	VPMOVSXBD 8(SI), Y5 \
	VCVTDQ2PS Y4, Y4 \
	VCVTDQ2PS Y5, Y5 \
	VMULPS Y0, Y4, Y4 \
	VMULPS Y0, Y5, Y5 \
	ADDQ $16, SI

#define DECODE32 \
	VMULPS (SI), Y0, Y4 \
	VMULPS 32(SI), Y0, Y5 \
	ADDQ $64, SI

#define KEYS \
	LOOKUP(R8, Y6, Y8, Y9) \
	VMULPS Y8, Y4, Y4 \
	VMULPS Y9, Y5, Y5

#define STORE \
	VMOVUPS Y4, (DI) \
	VMOVUPS Y5, 32(DI) \
	ADDQ $64, DI \
	SUBQ $16, CX

// func decode2x16(dst *float32, packed, keys *byte, n int, scale float32)
TEXT ·decode2x16(SB), NOSPLIT, $0-36
	ARGS
	VMULPS Y0, Y6, Y2
	TESTQ R8, R8
	JNZ keyed
next:
	DECODE2
	STORE
	JNZ next
	VZEROUPPER
	RET
keyed:
	DECODE2
	KEYS
	STORE
	JNZ keyed
	VZEROUPPER
	RET

// func decode4x16(dst *float32, packed, keys *byte, n int, scale float32)
TEXT ·decode4x16(SB), NOSPLIT, $0-36
	ARGS
	VMOVDQU bits4<>(SB), Y1
	TESTQ R8, R8
	JNZ keyed
next:
	DECODE4
	STORE
	JNZ next
	VZEROUPPER
	RET
keyed:
	DECODE4
	KEYS
	STORE
	JNZ keyed
	VZEROUPPER
	RET

// func decode8x16(dst *float32, packed, keys *byte, n int, scale float32)
TEXT ·decode8x16(SB), NOSPLIT, $0-36
	ARGS
	TESTQ R8, R8
	JNZ keyed
next:
	DECODE8
	STORE
	JNZ next
	VZEROUPPER
	RET
keyed:
	DECODE8
	KEYS
	STORE
	JNZ keyed
	VZEROUPPER
	RET

// func decode32x16(dst *float32, packed, keys *byte, n int, scale float32)
TEXT ·decode32x16(SB), NOSPLIT, $0-36
	ARGS
	TESTQ R8, R8
	JNZ keyed
next:
	DECODE32
	STORE
	JNZ next
	VZEROUPPER
	RET
keyed:
	DECODE32
	KEYS
	STORE
	JNZ keyed
	VZEROUPPER
	RET

// func hasAVX2() bool
TEXT ·hasAVX2(SB), NOSPLIT, $0-1
	MOVB $0, ret+0(FP)
	XORL AX, AX
	CPUID
	CMPL AX, $7
	JLT done
	MOVL $1, AX
	XORL CX, CX
	CPUID
	ANDL $0x18000000, CX // the processor has AVX, and the system lets programs ask what it saves
	CMPL CX, $0x18000000
	JNE done
	XORL CX, CX
	XGETBV
	ANDL $6, AX // the system saves XMM and YMM registers
	CMPL AX, $6
	JNE done
	MOVL $7, AX
	XORL CX, CX
	CPUID
	SHRL $5, BX
	ANDL $1, BX
	MOVB BX, ret+0(FP)
done:
	RET
