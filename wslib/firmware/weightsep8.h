/* weightsep8.h runs networks with weights and activations of 8 bits: a quarter of the RAM of weightsep.h, and
 * no floats but for some of each channel. Outputs are those of samples that it was given when it was written,
 * rounded: see how often classes are the same before relying on it.
 *
 *     static int8_t weights[PREFIX_NAME_WEIGHTS8], scratch[PREFIX_NAME_SCRATCH];
 *     static int8_t sample[PREFIX_NAME_INPUT], outputs[PREFIX_NAME_OUTPUT];
 *     weightsep_quantize8(&PREFIX_NAME_8, values, sample);
 *     if (weightsep_switch8(&PREFIX_NAME_8, weights, 1) == WEIGHTSEP_WHOLE)
 *         weightsep_run8(&PREFIX_NAME_8, weights, sample, scratch, outputs);
 *
 * or, where RAM holds some weights of a layer only, which are put together each time:
 *
 *     static int8_t layer[PREFIX_NAME_LAYER8];
 *     weightsep_run_layers8(&PREFIX_NAME_8, layer, sample, scratch, outputs);
 *
 * A value is (q - zero) scale. A weight is q 2^(-k/8), where each output channel has a k of its own. Sums of
 * products are exact. What follows them, a scale, the bias and an activation, is each rounded to 256ths of the
 * output's scale, and at last to it.
 */
#ifndef WEIGHTSEP8_H
#define WEIGHTSEP8_H

#include "weightsep.h"

/* weightsep_layer8 is a weightsep_layer in 8 bits. */
typedef struct {
    float in, with, out;               /* scales of its input, of the other one of a sum, of its output */
    float unit;                        /* scale of what the activation is given */
    uint32_t slope;                    /* below 0, of 65536 */
    uint32_t kernel;                   /* where it begins in the weights of weightsep_switch8 */
    uint32_t scales;                   /* where its k begin */
    int8_t zero_in, zero_with, zero, most; /* most: the limit */
} weightsep_layer8;

/* weightsep_network8 is a network in 8 bits. */
typedef struct {
    const weightsep_network *network;
    const weightsep_layer8 *layers;
    const uint8_t *scales;             /* k of all kernels */
    uint32_t scale_count, sum;         /* CRC-32 of scales */
    uint32_t weights, layer;           /* as of weightsep_network, in bytes */
    float in, out;                     /* scales of sample and outputs */
    int8_t zero_in, zero_out;
} weightsep_network8;

/* weightsep_round8 is the whole number nearest to x, at most 2^24, at least -2^24, which a NaN becomes, too. */
static inline int32_t weightsep_round8(float x) {
    if (!(x > -16777216)) return -16777216;
    if (x > 16777216) return 16777216;
    return (int32_t)(x < 0 ? x - 0.5f : x + 0.5f);
}

static inline int8_t weightsep_clamp8(int32_t q, int32_t most) {
    return (int8_t)(q < -128 ? -128 : q > most ? most : q);
}

/* weightsep_factor8 is a float without its sign, as a whole number and a shift: of 256ths of a unit. */
typedef struct {
    int64_t factor;
    uint32_t shift;
} weightsep_factor8;

static inline weightsep_factor8 weightsep_factor_of(float m) {
    weightsep_factor8 f = {0, 1};
    uint32_t bits, exponent;
    memcpy(&bits, &m, sizeof bits);
    exponent = bits >> 23 & 255;
    if (exponent >= 80) {
        f.factor = (int64_t)((bits & 0x7fffff) | 0x800000);
        f.shift = exponent >= 141 ? 1 : 142 - exponent;
    }
    return f;
}

/* weightsep_times8 is the nearest whole number of a sum times a factor, at most 2^24 and at least -2^24. */
static inline int32_t weightsep_times8(int32_t sum, weightsep_factor8 f) {
    int64_t product = sum * f.factor, half = (int64_t)1 << (f.shift - 1);
    product = product < 0 ? -((half - product) >> f.shift) : (product + half) >> f.shift;
    return product > 16777216 ? 16777216 : product < -16777216 ? -16777216 : (int32_t)product;
}

/* weightsep_activate8 makes 8 bits of 256ths of a layer's unit. */
static inline int8_t weightsep_activate8(const weightsep_layer *l, const weightsep_layer8 *l8, int32_t x) {
    if (l->sigmoid) {
        float y = weightsep_sigmoid((float)x * (l8->unit * (1.0f / 256)));
        return weightsep_clamp8(l8->zero + weightsep_round8(y / l8->out), 127);
    }
    if (x < 0) x = -(int32_t)((int64_t)-x * l8->slope >> 16);
    return weightsep_clamp8(l8->zero + (int32_t)((uint32_t)(x + ((int32_t)1 << 26) + 128) >> 8) - ((int32_t)1 << 18), l8->most);
}

/* weightsep_quantize8 makes a sample of 8 bits, and weightsep_values8 floats of outputs. */
static inline void weightsep_quantize8(const weightsep_network8 *q, const float *values, int8_t *sample) {
    uint32_t i;
    for (i = 0; i < q->network->input; i++) {
        sample[i] = weightsep_clamp8(q->zero_in + weightsep_round8(values[i] / q->in), 127);
    }
}

static inline void weightsep_values8(const weightsep_network8 *q, const int8_t *outputs, float *values) {
    uint32_t i;
    for (i = 0; i < q->network->output; i++) values[i] = (float)(outputs[i] - q->zero_out) * q->out;
}

/* weightsep_kernel8 writes the kernels of count channels from channel first on. */
static inline void weightsep_kernel8(const weightsep_network8 *q, uint32_t layer, uint32_t first,
                                     uint32_t count, int8_t *out) {
    const weightsep_layer *l = &q->network->layers[layer];
    const uint8_t *scales = q->scales + q->layers[layer].scales;
    uint32_t size = l->in / l->groups * l->height * l->width, run = count * size, from = l->kernel, at, done, i;
    uint32_t each = l->layout & WEIGHTSEP_KERNEL_OIHW ? size : 1, some;
    float part[32];
    if (each > 1) {
        from += first * size;
    } else if (count < l->out) {
        run = count;
        from += first;
    }
    for (done = 0; done < count * size; done += run, from += l->out) {
        for (at = 0; at < run; at += some) {
            some = run - at < 32 ? run - at : 32;
            weightsep_weights(q->network, from + at, some, part);
            for (i = 0; i < some; i++) {
                uint32_t o = first + (at + i) / each % count;
                *out++ = (int8_t)weightsep_round8(part[i] * weightsep_power(scales[o])); /* at most 127 */
            }
        }
    }
}

/* weightsep_switch8 puts the kernels of a network into weights, in the order of its layers, if asked after a
 * check; where that finds damage, weights stay what they are. */
static inline int weightsep_switch8(const weightsep_network8 *q, int8_t *weights, int check) {
    int found = check ? weightsep_check(q->network) : WEIGHTSEP_WHOLE;
    uint32_t i;
    if (check && found == WEIGHTSEP_WHOLE && weightsep_crc(q->scales, q->scale_count) != q->sum) {
        found = WEIGHTSEP_SCALES_DAMAGED;
    }
    for (i = 0; found == WEIGHTSEP_WHOLE && i < q->network->layer_count; i++) {
        const weightsep_layer *l = &q->network->layers[i];
        if (l->kind == WEIGHTSEP_CONVOLUTION) {
            weightsep_kernel8(q, i, 0, l->out, weights + q->layers[i].kernel);
        }
    }
    return found;
}

/* weightsep_point8 is the convolution at one place of the input. */
static inline int32_t weightsep_point8(const weightsep_layer *l, const weightsep_runs *r, weightsep_window w,
                                       uint32_t channel, const int8_t *kernel, const int8_t *in,
                                       int32_t zero) {
    uint32_t n = r->whole ? (uint32_t)(w.u1 - w.u0) * r->each : r->each, i;
    int32_t v, u, step = r->whole ? w.u1 - w.u0 : 1, sum = 0;
    for (v = w.v0; v < w.v1; v++) {
        for (u = w.u0; u < w.u1; u += step) {
            const int8_t *a = in + weightsep_in(l, l->layout & WEIGHTSEP_IN_CHW, (uint32_t)(w.y + v),
                                                (uint32_t)(w.x + u), channel);
            const int8_t *b = kernel + (uint32_t)v * r->row + (uint32_t)u * r->column;
            if (r->in == 1) { /* faster */
                for (i = n; i > 0; i--, b += r->kernel) sum += (*a++ - zero) * *b;
            } else {
                for (i = 0; i < n; i++, a += r->in, b += r->kernel) sum += (*a - zero) * *b;
            }
        }
    }
    return sum;
}

/* weightsep_four8 is weightsep_four. */
static inline int32_t weightsep_four8(const weightsep_layer *l, const weightsep_runs *r, weightsep_window w,
                                      uint32_t channel, const int8_t *kernel, const int8_t *in,
                                      int32_t zero) {
    int chw = l->layout & WEIGHTSEP_IN_CHW;
    uint32_t n = r->whole ? l->width * r->each : r->each, v, u, i, step = r->whole ? l->width : 1;
    uint32_t wide = chw ? 1 : l->in, lower = (uint32_t)l->down * l->in_columns * wide, next = l->right * wide;
    int32_t s0 = 0, s1 = 0, s2 = 0, s3 = 0, all = 0;
    for (v = 0; v < l->height; v++) {
        for (u = 0; u < l->width; u += step) {
            const int8_t *a = in + weightsep_in(l, chw, (uint32_t)w.y + v, (uint32_t)w.x + u, channel);
            const int8_t *b = kernel + v * r->row + u * r->column, *c = a + lower, *d = c + next, *e = a + next;
            for (i = n; i > 0; i--, a += r->in, c += r->in, d += r->in, e += r->in, b += r->kernel) {
                int32_t k = *b;
                all += k;
                s0 += *a * k;
                s1 += *e * k;
                s2 += *c * k;
                s3 += *d * k;
            }
        }
    }
    s0 = s0 > s1 ? s0 : s1;
    s2 = s2 > s3 ? s2 : s3;
    return (s0 > s2 ? s0 : s2) - zero * all;
}

/* weightsep_convolve8 is weightsep_convolve. */
static inline void weightsep_convolve8(const weightsep_network8 *q, uint32_t layer, uint32_t first,
                                       uint32_t count, const int8_t *kernel, const int8_t *in, int8_t *out) {
    const weightsep_layer *l = &q->network->layers[layer];
    const weightsep_layer8 *l8 = &q->layers[layer];
    weightsep_runs r = weightsep_runs_of(l, count);
    uint32_t size = l->layout & WEIGHTSEP_KERNEL_OIHW ? r.each * r.kernel : 1, per = l->out / l->groups;
    uint32_t o, y, x, p;
    float bias[16] = {0};
    for (o = first; o < first + count; o++, kernel += size) {
        weightsep_factor8 f =
            weightsep_factor_of(l8->in * weightsep_power(-(int32_t)q->scales[l8->scales + o]) / l8->unit);
        uint32_t at = (o - first) % 16, left = first + count - o;
        int32_t b;
        if (at == 0 && l->bias != WEIGHTSEP_NONE) {
            weightsep_weights(q->network, l->bias + o, left < 16 ? left : 16, bias);
        }
        b = weightsep_round8(bias[at] / l8->unit * 256);
        for (y = 0; y < l->rows; y++) {
            for (x = 0; x < l->columns; x++) {
                weightsep_window w = weightsep_clip(l, y * l->pool, x * l->pool);
                int32_t most;
                if (weightsep_inside(l, w)) {
                    most = weightsep_four8(l, &r, w, o / per * r.each, kernel, in, l8->zero_in);
                } else {
                    most = weightsep_point8(l, &r, w, o / per * r.each, kernel, in, l8->zero_in);
                    for (p = 1; p < (uint32_t)l->pool * l->pool; p++) {
                        int32_t sum;
                        w = weightsep_clip(l, 2 * y + p / 2, 2 * x + p % 2);
                        sum = weightsep_point8(l, &r, w, o / per * r.each, kernel, in, l8->zero_in);
                        if (sum > most) most = sum;
                    }
                }
                out[weightsep_out(l, y, x, o)] = weightsep_activate8(l, l8, weightsep_times8(most, f) + b);
            }
        }
    }
}

/* weightsep_load8 is weightsep_load. */
static inline void weightsep_load8(const weightsep_network8 *q, uint32_t layer, int8_t *room,
                                   const int8_t *in, int8_t *out) {
    const weightsep_layer *l = &q->network->layers[layer];
    uint32_t count = q->layer / (l->in / l->groups * l->height * l->width), first;
    for (first = 0; first < l->out; first += count) {
        if (count > l->out - first) count = l->out - first;
        weightsep_kernel8(q, layer, first, count, room);
        weightsep_convolve8(q, layer, first, count, room, in, out);
    }
}

/* weightsep_pool8 is weightsep_pool. A largest value has the scale of its input. */
static inline void weightsep_pool8(const weightsep_layer *l, const weightsep_layer8 *l8, const int8_t *in,
                                   int8_t *out) {
    uint32_t o, y, x;
    for (y = 0; y < l->rows; y++) {
        for (x = 0; x < l->columns; x++) {
            weightsep_window w = weightsep_clip(l, y, x);
            float places = (float)((w.v1 - w.v0) * (w.u1 - w.u0));
            weightsep_factor8 f = weightsep_factor_of(l8->in / (l8->unit * places));
            for (o = 0; o < l->out; o++) {
                int32_t most = -128, sum = 0, v, u;
                for (v = w.v0; v < w.v1; v++) {
                    for (u = w.u0; u < w.u1; u++) {
                        int32_t value = in[weightsep_in(l, l->layout & WEIGHTSEP_IN_CHW, (uint32_t)(w.y + v),
                                                        (uint32_t)(w.x + u), o)];
                        if (value > most) most = value;
                        sum += value - l8->zero_in;
                    }
                }
                out[weightsep_out(l, y, x, o)] = l->kind == WEIGHTSEP_MEAN
                                                     ? weightsep_activate8(l, l8, weightsep_times8(sum, f))
                                                     : (int8_t)most;
            }
        }
    }
}

static inline void weightsep_sum8(const weightsep_layer *l, const weightsep_layer8 *l8, const int8_t *in,
                                  const int8_t *with, int8_t *out) {
    weightsep_factor8 f = weightsep_factor_of(l8->in / l8->unit);
    weightsep_factor8 g = weightsep_factor_of(l8->with / l8->unit);
    uint32_t o, y, x;
    for (y = 0; y < l->rows; y++) {
        for (x = 0; x < l->columns; x++) {
            for (o = 0; o < l->out; o++) {
                int32_t a = in[weightsep_in(l, l->layout & WEIGHTSEP_IN_CHW, y, x, o)] - l8->zero_in;
                int32_t b = with[weightsep_in(l, l->layout & WEIGHTSEP_WITH_CHW, y, x, o)] - l8->zero_with;
                out[weightsep_out(l, y, x, o)] =
                    weightsep_activate8(l, l8, weightsep_times8(a, f) + weightsep_times8(b, g));
            }
        }
    }
}

static inline void weightsep_forward8(const weightsep_network8 *q, const int8_t *weights, int8_t *room,
                                      const int8_t *sample, int8_t *scratch, int8_t *outputs) {
    uint32_t i;
    for (i = 0; i < q->network->layer_count; i++) {
        const weightsep_layer *l = &q->network->layers[i];
        const weightsep_layer8 *l8 = &q->layers[i];
        const int8_t *in = l->from == WEIGHTSEP_NONE ? sample : scratch + l->from;
        int8_t *out = l->to == WEIGHTSEP_NONE ? outputs : scratch + l->to;
        if (l->kind == WEIGHTSEP_SUM) {
            weightsep_sum8(l, l8, in, l->with == WEIGHTSEP_NONE ? sample : scratch + l->with, out);
        } else if (l->kind != WEIGHTSEP_CONVOLUTION) {
            weightsep_pool8(l, l8, in, out);
        } else if (weights == NULL) {
            weightsep_load8(q, i, room, in, out);
        } else {
            weightsep_convolve8(q, i, 0, l->out, weights + l8->kernel, in, out);
        }
    }
}

/* weightsep_run8 runs a network with the weights of weightsep_switch8 on one sample. */
static inline void weightsep_run8(const weightsep_network8 *q, const int8_t *weights, const int8_t *sample,
                                  int8_t *scratch, int8_t *outputs) {
    weightsep_forward8(q, weights, NULL, sample, scratch, outputs);
}

/* weightsep_run_layers8 is weightsep_run8 that puts weights together where it needs them, with the same
 * outputs. */
static inline void weightsep_run_layers8(const weightsep_network8 *q, int8_t *layer, const int8_t *sample,
                                         int8_t *scratch, int8_t *outputs) {
    weightsep_forward8(q, NULL, layer, sample, scratch, outputs);
}

#endif
