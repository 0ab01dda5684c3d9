/* weightsep.h runs networks that share pages of weights. It needs C99 and string.h, and allocates nothing.
 *
 * Where a compiler fuses multiplications and additions by itself, give -ffp-contract=off: outputs are then
 * the same on all machines. Weights are in any case.
 *
 * A pack is another pair of files, PREFIX.h and PREFIX.c, which hold constants only. Of each of its networks
 * PREFIX.h has the sizes of the buffers that a program gives:
 *
 *     static float weights[PREFIX_NAME_WEIGHTS], scratch[PREFIX_NAME_SCRATCH], logits[PREFIX_NAME_OUTPUT];
 *     if (weightsep_switch(&PREFIX_NAME, weights, 1) == WEIGHTSEP_WHOLE)
 *         weightsep_run(&PREFIX_NAME, weights, sample, scratch, logits);
 *
 * or, where RAM holds the weights of one convolution and some rows of a dense layer only, which are put
 * together each time:
 *
 *     static float layer[PREFIX_NAME_LAYER];
 *     weightsep_run_layers(&PREFIX_NAME, layer, sample, scratch, logits);
 */
#ifndef WEIGHTSEP_H
#define WEIGHTSEP_H

#include <float.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>

/* What stands behind the declaration of pages, tables, scales, keys and checksums. A program may define it,
 * as in -DWEIGHTSEP_SECTION='__attribute__((section(".flash2")))'. */
#ifndef WEIGHTSEP_SECTION
#define WEIGHTSEP_SECTION
#endif

#define WEIGHTSEP_ASSERT(name, condition) typedef char weightsep_assert_##name[(condition) ? 1 : -1]

WEIGHTSEP_ASSERT(bytes_have_8_bits, CHAR_BIT == 8);
WEIGHTSEP_ASSERT(float_is_binary32, sizeof(float) == 4 && FLT_RADIX == 2 && FLT_MANT_DIG == 24);
/* Products in a wider type would give other weights: on 32-bit x86 give -msse2 -mfpmath=sse. */
WEIGHTSEP_ASSERT(float_is_computed_as_float, FLT_EVAL_METHOD == 0 || FLT_EVAL_METHOD == 16);

/* weightsep_pack is what the networks of a pack have in common. */
typedef struct {
    uint32_t page_size;    /* values in a page */
    uint32_t shared;       /* number of shared pages */
    uint8_t bits;          /* of a value of a shared page: 2, 4, 8, or 32 of a float */
    uint8_t own_bits;      /* of a value of an exclusive page */
    uint8_t scale_bytes;   /* 4: float32, 2: float16, 1: log8 */
    const uint8_t *pages;  /* shared ones */
    const uint32_t *sums;  /* CRC-32 of each */
} weightsep_pack;

enum { WEIGHTSEP_LINEAR, WEIGHTSEP_LEAKY, WEIGHTSEP_SIGMOID };

/* weightsep_layer is a convolution with its pooling, or a dense layer, whose height is 0. */
typedef struct {
    uint32_t kernel, bias;    /* their first weights in the network's vector */
    uint32_t height, width;   /* of the kernel */
    uint32_t in, out;         /* channels, or values of a dense layer */
    uint32_t stride;          /* values of a row of the input */
    uint32_t rows, columns;   /* of the output, after pooling; 1 and 1 of a dense layer */
    uint8_t activation;
} weightsep_layer;

/* weightsep_network is one network of a pack. */
typedef struct {
    const char *name;
    const weightsep_pack *pack;
    const uint8_t *table;      /* an entry a page: a shared page, or, from pack->shared on, an own one */
    const uint8_t *scales;     /* one a page; NULL: all 1 */
    const uint8_t *keys;       /* of weights on shared pages, 2 bits each; NULL: all 1 */
    const uint8_t *exclusive;  /* the network's own pages; NULL: none */
    const uint32_t *sums;      /* CRC-32 of table, scales, keys, and of each exclusive page */
    const weightsep_layer *layers;
    uint32_t weights;          /* length of the vector, in the order of the pack */
    uint32_t own;              /* number of exclusive pages */
    uint32_t layer_count;
    uint32_t input, output;    /* values of a sample (height, width, channels) and logits */
    uint32_t scratch;          /* floats of the two activations that run at a time, at least 1 */
    uint32_t layer;            /* weights that weightsep_run_layers has in RAM at a time */
    uint8_t entry_bytes;       /* of the table */
} weightsep_network;

/* ---- Weights ---- */

static inline uint32_t weightsep_word(const uint8_t *p, uint32_t bytes) {
    uint32_t v = 0;
    while (bytes-- > 0) v = v << 8 | p[bytes];
    return v;
}

static inline float weightsep_float(uint32_t bits) {
    float v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

/* weightsep_bytes is the size of a page of values of so many bits. */
static inline uint32_t weightsep_bytes(uint32_t page_size, uint32_t bits) {
    return bits == 32 ? page_size * 4 : (page_size * bits + 7) / 8;
}

static inline uint32_t weightsep_pages(const weightsep_network *n) {
    return (n->weights + n->pack->page_size - 1) / n->pack->page_size;
}

static inline float weightsep_scale(const weightsep_network *n, uint32_t page) {
    /* Fractions of 2^(k/8). */
    static const uint32_t root[8] = {0, 0xb95c2, 0x1837f0, 0x25fed7, 0x3504f3, 0x45672a, 0x5744fd, 0x6ac0c7};
    uint32_t bytes = n->pack->scale_bytes, v;
    if (n->scales == NULL) return 1;
    v = weightsep_word(n->scales + page * bytes, bytes);
    if (bytes == 4) return weightsep_float(v);
    if (bytes == 1) {
        uint32_t m = v & 127;
        return m == 0 ? 0 : weightsep_float((v & 128) << 24 | (m / 8 + 113) << 23 | root[m % 8]);
    }
    if ((v & 0x7c00) == 0) { /* subnormal: steps of 2^-24 */
        float small = (float)(v & 0x3ff) * (1.0f / 16777216);
        return v & 0x8000 ? -small : small;
    }
    return weightsep_float((v & 0x8000) << 16 | ((v & 0x7fff) + (112 << 10)) << 13);
}

/* weightsep_decode writes count values of a page from value from on, times the scale. */
static inline void weightsep_decode(const uint8_t *page, uint32_t bits, float scale, uint32_t from,
                                    uint32_t count, float *out) {
    float product[16];
    uint32_t i, used, codes = 1u << (bits & 7);
    if (bits == 32) {
        for (i = 0; i < count; i++) {
            const uint8_t *p = page + 4 * (from + i);
            uint32_t v = (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
            out[i] = weightsep_float(v) * scale;
        }
        return;
    }
    if (bits == 8) {
        for (i = 0; i < count; i++) out[i] = (float)((int32_t)(page[from + i] ^ 128u) - 128) * scale;
        return;
    }
    for (i = 0; i < codes; i++) {
        product[i] = (bits == 2 ? (float)i - 1.5f : (float)((int32_t)(i ^ 8) - 8)) * scale;
    }
    page += from * bits / 8;
    used = from * bits % 8;
    i = 0;
    if (bits == 2 && used == 0) { /* faster */
        for (; count - i >= 4; i += 4) {
            uint32_t byte = *page++;
            out[i] = product[byte & 3];
            out[i + 1] = product[byte >> 2 & 3];
            out[i + 2] = product[byte >> 4 & 3];
            out[i + 3] = product[byte >> 6];
        }
    }
    for (; i < count; used = 0) {
        uint32_t byte = (uint32_t)*page++ >> used, end = i + (8 - used) / bits;
        if (end > count) end = count;
        for (; i < end; i++, byte >>= bits) out[i] = product[byte & (codes - 1)];
    }
}

/* weightsep_weights writes count weights of the vector of a network from weight from on, which it must have.
 * They are those of Go's page.Set.Weights, bit for bit. */
static inline void weightsep_weights(const weightsep_network *n, uint32_t from, uint32_t count, float *out) {
    const weightsep_pack *p = n->pack;
    const uint8_t *keys = n->keys;
    uint32_t first = from / p->page_size, b = keys == NULL ? first : 0, i;
    for (from %= p->page_size; count > 0; b++) {
        uint32_t e = weightsep_word(n->table + b * n->entry_bytes, n->entry_bytes);
        int own = e >= p->shared;
        if (b >= first) {
            uint32_t some = p->page_size - from, bits = own ? p->own_bits : p->bits;
            const uint8_t *page = own ? n->exclusive : p->pages;
            if (some > count) some = count;
            page += (size_t)(own ? e - p->shared : e) * weightsep_bytes(p->page_size, bits);
            weightsep_decode(page, bits, weightsep_scale(n, b), from, some, out);
            for (i = 0; keys != NULL && !own && i < some; i++) {
                uint32_t at = from + i;
                out[i] *= (float)((uint32_t)keys[at / 4] >> at % 4 * 2 & 3) - 1.5f;
            }
            out += some;
            count -= some;
            from = 0;
        }
        if (keys != NULL && !own) keys += weightsep_bytes(p->page_size, 2);
    }
}

/* ---- Checksums ---- */

/* weightsep_crc is the CRC-32 of zip, gzip and Go's hash/crc32.IEEE. */
static inline uint32_t weightsep_crc(const uint8_t *p, size_t bytes) {
    static const uint32_t of[16] = {0, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158,
                                    0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0,
                                    0x86d3d2d4, 0xa00ae278, 0xbdbdf21c};
    uint32_t crc = 0xffffffff;
    while (bytes-- > 0) {
        crc ^= *p++;
        crc = crc >> 4 ^ of[crc & 15];
        crc = crc >> 4 ^ of[crc & 15];
    }
    return ~crc;
}

/* Which part is damaged. */
enum {
    WEIGHTSEP_WHOLE,
    WEIGHTSEP_TABLE_DAMAGED,
    WEIGHTSEP_SCALES_DAMAGED,
    WEIGHTSEP_KEYS_DAMAGED,
    WEIGHTSEP_OWN_PAGE_DAMAGED,
    WEIGHTSEP_SHARED_PAGE_DAMAGED
};

/* weightsep_check compares all that a network's weights are made of with its checksums. */
static inline int weightsep_check(const weightsep_network *n) {
    const weightsep_pack *p = n->pack;
    uint32_t pages = weightsep_pages(n), of_keys = (pages - n->own) * weightsep_bytes(p->page_size, 2), i;
    size_t own = weightsep_bytes(p->page_size, p->own_bits), width = weightsep_bytes(p->page_size, p->bits);
    if (weightsep_crc(n->table, pages * n->entry_bytes) != n->sums[0]) return WEIGHTSEP_TABLE_DAMAGED;
    if (n->scales != NULL && weightsep_crc(n->scales, pages * p->scale_bytes) != n->sums[1]) {
        return WEIGHTSEP_SCALES_DAMAGED;
    }
    if (n->keys != NULL && weightsep_crc(n->keys, of_keys) != n->sums[2]) return WEIGHTSEP_KEYS_DAMAGED;
    for (i = 0; i < n->own; i++) {
        if (weightsep_crc(n->exclusive + i * own, own) != n->sums[3 + i]) return WEIGHTSEP_OWN_PAGE_DAMAGED;
    }
    for (i = 0; i < pages; i++) {
        uint32_t e = weightsep_word(n->table + i * n->entry_bytes, n->entry_bytes);
        if (e < p->shared && weightsep_crc(p->pages + e * width, width) != p->sums[e]) {
            return WEIGHTSEP_SHARED_PAGE_DAMAGED;
        }
    }
    return WEIGHTSEP_WHOLE;
}

/* weightsep_switch puts the whole vector of a network into weights, if asked after a check; where that finds
 * damage, weights stay what they are. */
static inline int weightsep_switch(const weightsep_network *n, float *weights, int check) {
    int found = check ? weightsep_check(n) : WEIGHTSEP_WHOLE;
    if (found == WEIGHTSEP_WHOLE) weightsep_weights(n, 0, n->weights, weights);
    return found;
}

/* ---- Execution ---- */

/* weightsep_sigmoid is 1 / (1 + exp(-x)), to 1e-6 of it from -87 on, and 1.6e-38 below. */
static inline float weightsep_sigmoid(float x) {
    float a = x < 0 ? -x : x, k, r, e;
    if (!(a < 87)) a = 87;
    /* exp(-a) = 2^-k exp(r), |r| < 0.35. The first part of log 2 has few bits: k times it is exact. */
    k = (float)(int32_t)(a * 1.44269504f + 0.5f);
    r = (k * 0.693359375f - a) - k * 2.12194440e-4f;
    e = 1 + r * (1 + r * (1 / 2.0f + r * (1 / 6.0f + r * (1 / 24.0f + r * (1 / 120.0f + r * (1 / 720.0f
        + r * (1 / 5040.0f)))))));
    e *= weightsep_float((uint32_t)(127 - (int32_t)k) << 23);
    return (x < 0 ? e : 1) / (1 + e);
}

static inline float weightsep_activate(float x, int activation) {
    if (activation == WEIGHTSEP_SIGMOID) return weightsep_sigmoid(x);
    return activation == WEIGHTSEP_LEAKY && x < 0 ? x * 0.2f : x;
}

/* weightsep_convolve is a VALID convolution of stride 1 (kernel: height, width, in, out) and the largest of
 * each 2x2 of it, plus bias, activated. What pooling drops is not computed. */
static inline void weightsep_convolve(const weightsep_layer *l, const float *kernel, const float *bias,
                                      const float *in, float *out) {
    uint32_t y, x, o, v, u;
    for (y = 0; y < l->rows; y++) {
        for (x = 0; x < l->columns; x++) {
            for (o = 0; o < l->out; o++) {
                const float *upper = in + 2 * y * l->stride + 2 * x * l->in;
                float a = 0, b = 0, c = 0, d = 0;
                uint32_t at = o;
                for (v = 0; v < l->height; v++, upper += l->stride) {
                    const float *lower = upper + l->stride;
                    for (u = 0; u < l->width * l->in; u++, at += l->out) {
                        float w = kernel[at];
                        a += upper[u] * w;
                        b += upper[u + l->in] * w;
                        c += lower[u] * w;
                        d += lower[u + l->in] * w;
                    }
                }
                a = a > b ? a : b;
                c = c > d ? c : d;
                *out++ = weightsep_activate((a > c ? a : c) + bias[o], l->activation);
            }
        }
    }
}

/* weightsep_multiply adds what count inputs of a dense layer (kernel: count, out) give to out. */
static inline void weightsep_multiply(const weightsep_layer *l, const float *kernel, const float *in,
                                      uint32_t count, float *out) {
    uint32_t o, i;
    for (o = 0; o < l->out; o++) {
        float sum = out[o];
        for (i = 0; i < count; i++) sum += in[i] * kernel[i * l->out + o];
        out[o] = sum;
    }
}

static inline void weightsep_zero(const weightsep_layer *l, float *out) {
    uint32_t o;
    for (o = 0; o < l->out; o++) out[o] = 0;
}

static inline void weightsep_finish(const weightsep_layer *l, const float *bias, float *out) {
    uint32_t o;
    for (o = 0; o < l->out; o++) out[o] = weightsep_activate(out[o] + bias[o], l->activation);
}

/* weightsep_apply runs one layer whose weights are in RAM. */
static inline void weightsep_apply(const weightsep_layer *l, const float *kernel, const float *bias,
                                   const float *in, float *out) {
    if (l->height > 0) {
        weightsep_convolve(l, kernel, bias, in, out);
        return;
    }
    weightsep_zero(l, out);
    weightsep_multiply(l, kernel, in, l->in, out);
    weightsep_finish(l, bias, out);
}

/* weightsep_load runs one layer of a network with room for n->layer weights: all of a convolution, or some
 * rows of a dense kernel at a time. Sums are in the same order, and so are the same. */
static inline void weightsep_load(const weightsep_network *n, const weightsep_layer *l, float *room,
                                  const float *in, float *out) {
    uint32_t size = l->height * l->width * l->in * l->out, rows = n->layer / l->out, i;
    if (l->height > 0) {
        weightsep_weights(n, l->kernel, size, room);
        weightsep_weights(n, l->bias, l->out, room + size);
        weightsep_convolve(l, room, room + size, in, out);
        return;
    }
    weightsep_zero(l, out);
    for (i = 0; i < l->in; i += rows) {
        if (rows > l->in - i) rows = l->in - i;
        weightsep_weights(n, l->kernel + i * l->out, rows * l->out, room);
        weightsep_multiply(l, room, in + i, rows, out);
    }
    weightsep_weights(n, l->bias, l->out, room);
    weightsep_finish(l, room, out);
}

/* weightsep_forward runs all layers with weights or, if these are NULL, with room for n->layer of them.
 * Activations lie at the beginning and at the end of scratch in turn. */
static inline void weightsep_forward(const weightsep_network *n, const float *weights, float *room,
                                     const float *in, float *scratch, float *out) {
    uint32_t i;
    for (i = 0; i < n->layer_count; i++) {
        const weightsep_layer *l = &n->layers[i];
        float *to = i % 2 == 0 ? scratch : scratch + (n->scratch - l->rows * l->columns * l->out);
        if (i + 1 == n->layer_count) to = out;
        if (weights != NULL) {
            weightsep_apply(l, weights + l->kernel, weights + l->bias, in, to);
        } else {
            weightsep_load(n, l, room, in, to);
        }
        in = to;
    }
}

/* weightsep_run runs a network with the weights of weightsep_switch on one sample (height, width, channels):
 * out becomes its logits. */
static inline void weightsep_run(const weightsep_network *n, const float *weights, const float *in,
                                 float *scratch, float *out) {
    weightsep_forward(n, weights, NULL, in, scratch, out);
}

/* weightsep_run_layers is weightsep_run that puts a layer's weights together where it runs, with the same
 * outputs. */
static inline void weightsep_run_layers(const weightsep_network *n, float *layer, const float *in,
                                        float *scratch, float *out) {
    weightsep_forward(n, NULL, layer, in, scratch, out);
}

#endif
