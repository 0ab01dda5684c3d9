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
 * or, where RAM holds some weights of a layer only, which are put together each time:
 *
 *     static float layer[PREFIX_NAME_LAYER];
 *     weightsep_run_layers(&PREFIX_NAME, layer, sample, scratch, logits);
 *
 * weightsep8.h runs networks in 8 bits.
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

/* What weightsep_layer does. A dense layer is a convolution of one place. */
enum { WEIGHTSEP_CONVOLUTION, WEIGHTSEP_LARGEST, WEIGHTSEP_MEAN, WEIGHTSEP_SUM };

/* Values lie as (height, width, channels), kernels as (height, width, in, out), but for these. */
enum { WEIGHTSEP_IN_CHW = 1, WEIGHTSEP_WITH_CHW = 2, WEIGHTSEP_OUT_CHW = 4, WEIGHTSEP_KERNEL_OIHW = 8 };

/* What stands for a bias that is not there, for the sample and for the outputs. */
#define WEIGHTSEP_NONE UINT32_MAX

/* weightsep_layer is a convolution with its largest of 2x2, if it pools, and its bias; the largest value or
 * the mean of a window; or a sum. An activation follows. Around its input are zeros (in a largest or mean
 * nothing) as far as windows reach. */
typedef struct {
    uint32_t kernel, bias;          /* their first weights in the network's vector */
    uint32_t from, with, to;        /* where in scratch its input lies, the other one of a sum, its output */
    uint32_t in, out;               /* channels */
    float slope, limit;             /* below 0, and the most, of what is not sigmoid */
    uint16_t in_rows, in_columns;   /* of the input */
    uint16_t rows, columns;         /* of the output, after pooling */
    uint16_t height, width;         /* of the kernel or window */
    uint16_t down, right;           /* strides */
    uint16_t top, left;             /* zeros above and beside */
    uint16_t groups;                /* of channels: as many as there are where each has its own kernel */
    uint8_t pool;                   /* 1 or 2 */
    uint8_t kind, sigmoid, layout;
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
    uint32_t scratch;          /* values of all activations that are needed at a time, at least 1 */
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

/* weightsep_power is 2^(k/8), for k from -1,000 to 1,000. */
static inline float weightsep_power(int32_t k) {
    static const uint32_t root[8] = {0, 0xb95c2, 0x1837f0, 0x25fed7, 0x3504f3, 0x45672a, 0x5744fd, 0x6ac0c7};
    uint32_t eighths = (uint32_t)(k + 8 * 127);
    return weightsep_float(eighths / 8 << 23 | root[eighths % 8]);
}

static inline float weightsep_scale(const weightsep_network *n, uint32_t page) {
    uint32_t bytes = n->pack->scale_bytes, v;
    if (n->scales == NULL) return 1;
    v = weightsep_word(n->scales + page * bytes, bytes);
    if (bytes == 4) return weightsep_float(v);
    if (bytes == 1) {
        float scale = (v & 127) == 0 ? 0 : weightsep_power((int32_t)(v & 127) - 112);
        return v & 128 ? -scale : scale;
    }
    if ((v & 0x7c00) == 0) { /* subnormal: steps of 2^-24 */
        float small = (float)(v & 0x3ff) * (1.0f / 16777216);
        return v & 0x8000 ? -small : small;
    }
    return weightsep_float((v & 0x8000) << 16 | ((v & 0x7fff) + ((uint32_t)112 << 10)) << 13);
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

static inline float weightsep_activate(const weightsep_layer *l, float x) {
    if (l->sigmoid) return weightsep_sigmoid(x);
    if (x < 0) x *= l->slope;
    return x > l->limit ? l->limit : x;
}

/* weightsep_window is what of a window lies inside the input: from its row v0 to v1, column u0 to u1, and
 * where in the input its first value would lie. */
typedef struct {
    int32_t y, x, v0, v1, u0, u1;
} weightsep_window;

static inline weightsep_window weightsep_clip(const weightsep_layer *l, uint32_t row, uint32_t column) {
    weightsep_window w;
    w.y = (int32_t)(row * l->down) - l->top;
    w.x = (int32_t)(column * l->right) - l->left;
    w.v0 = w.y < 0 ? -w.y : 0;
    w.u0 = w.x < 0 ? -w.x : 0;
    w.v1 = l->in_rows - w.y < l->height ? l->in_rows - w.y : l->height;
    w.u1 = l->in_columns - w.x < l->width ? l->in_columns - w.x : l->width;
    return w;
}

/* weightsep_inside says that a layer pools and that the windows of 2x2 places, of which w is the first, lie
 * inside the input. */
static inline int weightsep_inside(const weightsep_layer *l, weightsep_window w) {
    return l->pool == 2 && w.y >= 0 && w.x >= 0 && w.y + l->down + l->height <= l->in_rows &&
           w.x + l->right + l->width <= l->in_columns;
}

/* weightsep_in and weightsep_out are where values lie in the input and output of a layer. */
static inline uint32_t weightsep_in(const weightsep_layer *l, int chw, uint32_t y, uint32_t x, uint32_t o) {
    return chw ? (o * l->in_rows + y) * l->in_columns + x : (y * l->in_columns + x) * l->in + o;
}

static inline uint32_t weightsep_out(const weightsep_layer *l, uint32_t y, uint32_t x, uint32_t o) {
    return l->layout & WEIGHTSEP_OUT_CHW ? (o * l->rows + y) * l->columns + x
                                         : (y * l->columns + x) * l->out + o;
}

/* weightsep_runs says how a convolution walks along its input and along kernels of some channels. */
typedef struct {
    uint32_t each;            /* channels that an output is made of */
    uint32_t in, kernel;      /* steps of a run */
    uint32_t row, column;     /* steps of the kernel */
    int whole;                /* a row of the window is one run */
} weightsep_runs;

static inline weightsep_runs weightsep_runs_of(const weightsep_layer *l, uint32_t count) {
    weightsep_runs r;
    int oihw = l->layout & WEIGHTSEP_KERNEL_OIHW, chw = l->layout & WEIGHTSEP_IN_CHW;
    r.each = l->in / l->groups;
    r.in = chw ? (uint32_t)l->in_rows * l->in_columns : 1;
    r.kernel = oihw ? (uint32_t)l->height * l->width : count;
    r.column = oihw ? 1 : r.each * count;
    r.row = r.column * l->width;
    r.whole = !chw && !oihw; /* without groups */
    return r;
}

/* weightsep_point is the convolution at one place of the input. */
static inline float weightsep_point(const weightsep_layer *l, const weightsep_runs *r, weightsep_window w,
                                    uint32_t channel, const float *kernel, const float *in) {
    uint32_t n = r->whole ? (uint32_t)(w.u1 - w.u0) * r->each : r->each, i;
    int32_t v, u, step = r->whole ? w.u1 - w.u0 : 1;
    float sum = 0;
    for (v = w.v0; v < w.v1; v++) {
        for (u = w.u0; u < w.u1; u += step) {
            const float *a = in + weightsep_in(l, l->layout & WEIGHTSEP_IN_CHW, (uint32_t)(w.y + v),
                                               (uint32_t)(w.x + u), channel);
            const float *b = kernel + (uint32_t)v * r->row + (uint32_t)u * r->column;
            if (r->in == 1) { /* faster */
                for (i = 0; i < n; i++, b += r->kernel) sum += a[i] * *b;
            } else {
                for (i = 0; i < n; i++, a += r->in, b += r->kernel) sum += *a * *b;
            }
        }
    }
    return sum;
}

/* weightsep_four is the largest of the convolution at 2x2 places, whose windows, the first of which is w, lie
 * inside the input: each weight is read once. */
static inline float weightsep_four(const weightsep_layer *l, const weightsep_runs *r, weightsep_window w,
                                   uint32_t channel, const float *kernel, const float *in) {
    int chw = l->layout & WEIGHTSEP_IN_CHW;
    uint32_t n = r->whole ? l->width * r->each : r->each, v, u, i, step = r->whole ? l->width : 1;
    uint32_t kernels = r->kernel;
    uint32_t wide = chw ? 1 : l->in, lower = (uint32_t)l->down * l->in_columns * wide, next = l->right * wide;
    float s0 = 0, s1 = 0, s2 = 0, s3 = 0;
    for (v = 0; v < l->height; v++) {
        for (u = 0; u < l->width; u += step) {
            const float *a = in + weightsep_in(l, chw, (uint32_t)w.y + v, (uint32_t)w.x + u, channel);
            const float *b = kernel + v * r->row + u * r->column, *c = a + lower, *d = c + next, *e = a + next;
            if (r->in == 1) { /* faster */
                for (i = n; i > 0; i--, b += kernels) {
                    float k = *b;
                    s0 += *a++ * k;
                    s1 += *e++ * k;
                    s2 += *c++ * k;
                    s3 += *d++ * k;
                }
            } else {
                for (i = 0; i < n; i++, a += r->in, c += r->in, d += r->in, e += r->in, b += r->kernel) {
                    float k = *b;
                    s0 += *a * k;
                    s1 += *e * k;
                    s2 += *c * k;
                    s3 += *d * k;
                }
            }
        }
    }
    s0 = s0 > s1 ? s0 : s1;
    s2 = s2 > s3 ? s2 : s3;
    return s0 > s2 ? s0 : s2;
}

/* weightsep_convolve computes count channels of a convolution from channel first on, of which there are the
 * kernels and, unless it is NULL, the bias. */
static inline void weightsep_convolve(const weightsep_layer *l, uint32_t first, uint32_t count,
                                      const float *kernel, const float *bias, const float *in, float *out) {
    weightsep_runs r = weightsep_runs_of(l, count);
    uint32_t size = l->layout & WEIGHTSEP_KERNEL_OIHW ? r.each * r.kernel : 1, per = l->out / l->groups;
    uint32_t o, y, x, p;
    for (o = first; o < first + count; o++, kernel += size) {
        uint32_t channel = o / per * r.each;
        float b = bias == NULL ? 0 : bias[o - first];
        for (y = 0; y < l->rows; y++) {
            for (x = 0; x < l->columns; x++) {
                weightsep_window w = weightsep_clip(l, y * l->pool, x * l->pool);
                float most;
                if (weightsep_inside(l, w)) {
                    most = weightsep_four(l, &r, w, channel, kernel, in);
                } else {
                    most = weightsep_point(l, &r, w, channel, kernel, in);
                    for (p = 1; p < (uint32_t)l->pool * l->pool; p++) {
                        float sum;
                        w = weightsep_clip(l, 2 * y + p / 2, 2 * x + p % 2);
                        sum = weightsep_point(l, &r, w, channel, kernel, in);
                        if (sum > most) most = sum;
                    }
                }
                out[weightsep_out(l, y, x, o)] = weightsep_activate(l, most + b);
            }
        }
    }
}

/* weightsep_pool computes the largest value, or the mean, of windows. */
static inline void weightsep_pool(const weightsep_layer *l, const float *in, float *out) {
    uint32_t o, y, x;
    for (y = 0; y < l->rows; y++) {
        for (x = 0; x < l->columns; x++) {
            weightsep_window w = weightsep_clip(l, y, x);
            for (o = 0; o < l->out; o++) {
                float most = -FLT_MAX, sum = 0;
                int32_t v, u;
                for (v = w.v0; v < w.v1; v++) {
                    for (u = w.u0; u < w.u1; u++) {
                        float value = in[weightsep_in(l, l->layout & WEIGHTSEP_IN_CHW, (uint32_t)(w.y + v),
                                                      (uint32_t)(w.x + u), o)];
                        if (value > most) most = value;
                        sum += value;
                    }
                }
                if (l->kind == WEIGHTSEP_MEAN) most = sum / (float)((w.v1 - w.v0) * (w.u1 - w.u0));
                out[weightsep_out(l, y, x, o)] = weightsep_activate(l, most);
            }
        }
    }
}

static inline void weightsep_sum(const weightsep_layer *l, const float *in, const float *with, float *out) {
    uint32_t o, y, x;
    for (y = 0; y < l->rows; y++) {
        for (x = 0; x < l->columns; x++) {
            for (o = 0; o < l->out; o++) {
                float sum = in[weightsep_in(l, l->layout & WEIGHTSEP_IN_CHW, y, x, o)] +
                            with[weightsep_in(l, l->layout & WEIGHTSEP_WITH_CHW, y, x, o)];
                out[weightsep_out(l, y, x, o)] = weightsep_activate(l, sum);
            }
        }
    }
}

/* weightsep_load runs a convolution with room for n->layer weights: those of some channels at a time. Outputs
 * are those of weightsep_convolve with all, bit for bit. */
static inline void weightsep_load(const weightsep_network *n, const weightsep_layer *l, float *room,
                                  const float *in, float *out) {
    uint32_t size = l->in / l->groups * l->height * l->width, count = n->layer / (size + 1), first, i;
    for (first = 0; first < l->out; first += count) {
        float *bias = NULL;
        if (count > l->out - first) count = l->out - first;
        if (l->layout & WEIGHTSEP_KERNEL_OIHW) {
            weightsep_weights(n, l->kernel + first * size, count * size, room);
        } else if (count == l->out) {
            weightsep_weights(n, l->kernel, count * size, room);
        } else {
            for (i = 0; i < size; i++) {
                weightsep_weights(n, l->kernel + i * l->out + first, count, room + i * count);
            }
        }
        if (l->bias != WEIGHTSEP_NONE) {
            bias = room + count * size;
            weightsep_weights(n, l->bias + first, count, bias);
        }
        weightsep_convolve(l, first, count, room, bias, in, out);
    }
}

/* weightsep_forward runs all layers with weights or, if these are NULL, with room for n->layer of them. */
static inline void weightsep_forward(const weightsep_network *n, const float *weights, float *room,
                                     const float *sample, float *scratch, float *outputs) {
    uint32_t i;
    for (i = 0; i < n->layer_count; i++) {
        const weightsep_layer *l = &n->layers[i];
        const float *in = l->from == WEIGHTSEP_NONE ? sample : scratch + l->from;
        float *out = l->to == WEIGHTSEP_NONE ? outputs : scratch + l->to;
        if (l->kind == WEIGHTSEP_SUM) {
            weightsep_sum(l, in, l->with == WEIGHTSEP_NONE ? sample : scratch + l->with, out);
        } else if (l->kind != WEIGHTSEP_CONVOLUTION) {
            weightsep_pool(l, in, out);
        } else if (weights == NULL) {
            weightsep_load(n, l, room, in, out);
        } else {
            weightsep_convolve(l, 0, l->out, weights + l->kernel,
                               l->bias == WEIGHTSEP_NONE ? NULL : weights + l->bias, in, out);
        }
    }
}

/* weightsep_run runs a network with the weights of weightsep_switch on one sample, in the order of the
 * model's input: outputs become its logits. */
static inline void weightsep_run(const weightsep_network *n, const float *weights, const float *sample,
                                 float *scratch, float *outputs) {
    weightsep_forward(n, weights, NULL, sample, scratch, outputs);
}

/* weightsep_run_layers is weightsep_run that puts weights together where it needs them, with the same
 * outputs. */
static inline void weightsep_run_layers(const weightsep_network *n, float *layer, const float *sample,
                                        float *scratch, float *outputs) {
    weightsep_forward(n, NULL, layer, sample, scratch, outputs);
}

#endif
