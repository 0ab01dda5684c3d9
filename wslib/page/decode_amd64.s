#include "textflag.h"

// Each function handles n weights, a multiple of 16 and not 0.

// Where the code of each of sixteen weights begins: of 2 bits in four bytes, bits 0, 2, … 30.
DATA bits2<>+0(SB)/4, $0
DATA bits2<>+4(SB)/4, $2
DATA bits2<>+8(SB)/4, $4
DATA bits2<>+12(SB)/4, $6
DATA bits2<>+16(SB)/4, $8
DATA bits2<>+20(SB)/4, $10
DATA bits2<>+24(SB)/4, $12
DATA bits2<>+28(SB)/4, $14
DATA bits2<>+32(SB)/4, $16
DATA bits2<>+36(SB)/4, $18
DATA bits2<>+40(SB)/4, $20
DATA bits2<>+44(SB)/4, $22
DATA bits2<>+48(SB)/4, $24
DATA bits2<>+52(SB)/4, $26
DATA bits2<>+56(SB)/4, $28
DATA bits2<>+60(SB)/4, $30
GLOBL bits2<>(SB), RODATA|NOPTR, $64

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

// func lookup2(dst *float32, packed *byte, n int, values *[4]float32)
TEXT ·lookup2(SB), NOSPLIT, $0-32
	MOVQ dst+0(FP), DI
	MOVQ packed+8(FP), SI
	MOVQ n+16(FP), CX
	MOVQ values+24(FP), DX
	VBROADCASTF128 (DX), Y0
	VMOVDQU bits2<>+0(SB), Y1
	VMOVDQU bits2<>+32(SB), Y2
next:
	VPBROADCASTD (SI), Y3
	VPSRLVD Y1, Y3, Y4
	VPSRLVD Y2, Y3, Y5
	VPERMILPS Y4, Y0, Y4 // by the two lowest bits
	VPERMILPS Y5, Y0, Y5
	VMOVUPS Y4, (DI)
	VMOVUPS Y5, 32(DI)
	ADDQ $4, SI
	ADDQ $64, DI
	SUBQ $16, CX
	JNZ next
	VZEROUPPER
	RET

// func multiply2(dst *float32, packed *byte, n int, values *[4]float32)
TEXT ·multiply2(SB), NOSPLIT, $0-32
	MOVQ dst+0(FP), DI
	MOVQ packed+8(FP), SI
	MOVQ n+16(FP), CX
	MOVQ values+24(FP), DX
	VBROADCASTF128 (DX), Y0
	VMOVDQU bits2<>+0(SB), Y1
	VMOVDQU bits2<>+32(SB), Y2
next:
	VPBROADCASTD (SI), Y3
	VPSRLVD Y1, Y3, Y4
	VPSRLVD Y2, Y3, Y5
	VPERMILPS Y4, Y0, Y4
	VPERMILPS Y5, Y0, Y5
	VMULPS (DI), Y4, Y4
	VMULPS 32(DI), Y5, Y5
	VMOVUPS Y4, (DI)
	VMOVUPS Y5, 32(DI)
	ADDQ $4, SI
	ADDQ $64, DI
	SUBQ $16, CX
	JNZ next
	VZEROUPPER
	RET

// func scale4(dst *float32, packed *byte, n int, scale float32)
TEXT ·scale4(SB), NOSPLIT, $0-28
	MOVQ dst+0(FP), DI
	MOVQ packed+8(FP), SI
	MOVQ n+16(FP), CX
	VBROADCASTSS scale+24(FP), Y0
	VMOVDQU bits4<>+0(SB), Y1
next:
	VPBROADCASTD (SI), Y3
	VPBROADCASTD 4(SI), Y4
	VPSLLVD Y1, Y3, Y3
	VPSLLVD Y1, Y4, Y4
	VPSRAD $28, Y3, Y3
	VPSRAD $28, Y4, Y4
	VCVTDQ2PS Y3, Y3
	VCVTDQ2PS Y4, Y4
	VMULPS Y0, Y3, Y3
	VMULPS Y0, Y4, Y4
	VMOVUPS Y3, (DI)
	VMOVUPS Y4, 32(DI)
	ADDQ $8, SI
	ADDQ $64, DI
	SUBQ $16, CX
	JNZ next
	VZEROUPPER
	RET

// func scale8(dst *float32, packed *byte, n int, scale float32)
TEXT ·scale8(SB), NOSPLIT, $0-28
	MOVQ dst+0(FP), DI
	MOVQ packed+8(FP), SI
	MOVQ n+16(FP), CX
	VBROADCASTSS scale+24(FP), Y0
next:
	VPMOVSXBD (SI), Y3
	VPMOVSXBD 8(SI), Y4
	VCVTDQ2PS Y3, Y3
	VCVTDQ2PS Y4, Y4
	VMULPS Y0, Y3, Y3
	VMULPS Y0, Y4, Y4
	VMOVUPS Y3, (DI)
	VMOVUPS Y4, 32(DI)
	ADDQ $16, SI
	ADDQ $64, DI
	SUBQ $16, CX
	JNZ next
	VZEROUPPER
	RET

// func scale32(dst *float32, packed *byte, n int, scale float32)
TEXT ·scale32(SB), NOSPLIT, $0-28
	MOVQ dst+0(FP), DI
	MOVQ packed+8(FP), SI
	MOVQ n+16(FP), CX
	VBROADCASTSS scale+24(FP), Y0
next:
	VMULPS (SI), Y0, Y3
	VMULPS 32(SI), Y0, Y4
	VMOVUPS Y3, (DI)
	VMOVUPS Y4, 32(DI)
	ADDQ $64, SI
	ADDQ $64, DI
	SUBQ $16, CX
	JNZ next
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
