/*
 * An OpenCL layer that presents Intel's OpenCL CPU runtime as an Intel GPU, so that OpenVINO's GPU plugin runs on a
 * machine without a GPU. It tests the plugin's host code and its OpenCL kernels; its speed means nothing.
 *
 * The OpenCL loader opens the layers that OPENCL_LAYERS names and puts them between the application and the runtime.
 * Neither the runtime nor OpenVINO is modified. `cargo xtask test --gpu-plugin` compiles and uses this file.
 *
 * Environment, all of it optional:
 *   EMULATED_GPU_NAME          CL_DEVICE_NAME
 *   EMULATED_GPU_DEVICE_ID     CL_DEVICE_ID_INTEL, the PCI device id
 *   EMULATED_GPU_DISCRETE      1: the device has memory of its own
 *   EMULATED_GPU_MEMORY_BYTES  CL_DEVICE_GLOBAL_MEM_SIZE
 *   EMULATED_GPU_PROGRAMS      an existing folder in which built programs are cached
 */
#define _POSIX_C_SOURCE 200809L
#define CL_TARGET_OPENCL_VERSION 300
#include <CL/cl.h>
#include <CL/cl_ext.h>
#include <CL/cl_icd.h>
#include <CL/cl_layer.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The runtime, or the next layer. */
static const cl_icd_dispatch *next;

/* ---- What the device reports ---- */

/* An Xe-LPG GPU: architecture 12, release 70, revision 4. Its plugin path needs no matrix instructions. */
enum { IP_VERSION = 12 << 22 | 70 << 14 | 4, DEVICE_ID = 0x7d55 };
static const char default_name[] = "Emulated GPU on Intel(R) OpenCL CPU runtime";

static unsigned long long number(const char *variable, unsigned long long otherwise) {
    const char *text = getenv(variable);
    return text && *text ? strtoull(text, NULL, 0) : otherwise;
}

static cl_int answer(const void *value, size_t bytes, size_t room, void *to, size_t *needed) {
    if (to && room < bytes) return CL_INVALID_VALUE;
    if (to) memcpy(to, value, bytes);
    if (needed) *needed = bytes;
    return CL_SUCCESS;
}

static cl_int answer_4_bytes(cl_uint value, size_t room, void *to, size_t *needed) {
    return answer(&value, sizeof value, room, to, needed);
}

static cl_int answer_8_bytes(cl_ulong value, size_t room, void *to, size_t *needed) {
    return answer(&value, sizeof value, room, to, needed);
}

static cl_int CL_API_CALL get_device_info(cl_device_id device, cl_device_info query, size_t room, void *to,
                                          size_t *needed) {
    const char *name = getenv("EMULATED_GPU_NAME");
    const cl_ulong memory_bytes = number("EMULATED_GPU_MEMORY_BYTES", 0);
    switch (query) {
    case CL_DEVICE_NAME:
        if (!name) name = default_name;
        return answer(name, strlen(name) + 1, room, to, needed);
    case CL_DEVICE_TYPE: return answer_8_bytes(CL_DEVICE_TYPE_GPU, room, to, needed);
    case CL_DEVICE_IP_VERSION_INTEL: return answer_4_bytes(IP_VERSION, room, to, needed);
    case CL_DEVICE_ID_INTEL:
        return answer_4_bytes((cl_uint)number("EMULATED_GPU_DEVICE_ID", DEVICE_ID), room, to, needed);
    case CL_DEVICE_HOST_UNIFIED_MEMORY:
        return answer_4_bytes(!number("EMULATED_GPU_DISCRETE", 0), room, to, needed);
    case CL_DEVICE_GLOBAL_MEM_SIZE:
        if (!memory_bytes) break;
        return answer_8_bytes(memory_bytes, room, to, needed);
    /* No DPAS: with it the plugin would choose oneDNN, whose kernels are GPU machine code. */
    case CL_DEVICE_FEATURE_CAPABILITIES_INTEL: return answer_8_bytes(0, room, to, needed);
    case CL_DEVICE_NUM_SLICES_INTEL: return answer_4_bytes(1, room, to, needed);
    case CL_DEVICE_NUM_SUB_SLICES_PER_SLICE_INTEL: return answer_4_bytes(1, room, to, needed);
    case CL_DEVICE_NUM_EUS_PER_SUB_SLICE_INTEL: return answer_4_bytes(8, room, to, needed);
    case CL_DEVICE_NUM_THREADS_PER_EU_INTEL: return answer_4_bytes(1, room, to, needed);
    case CL_DEVICE_MAX_CLOCK_FREQUENCY: return answer_4_bytes(1000, room, to, needed);
    case CL_DEVICE_MAX_WORK_GROUP_SIZE: return answer_8_bytes(1024, room, to, needed); /* a size_t */
    }
    return next->clGetDeviceInfo(device, query, room, to, needed);
}

/* ---- Work-groups ----
 *
 * A GPU forms sub-groups along the linear local id. The CPU runtime forms them along dimension 0 only, so a
 * work-group of (1, 1, 16) would have sub-groups of one work-item. Therefore each work-group is launched flat, as
 * (x * y * z, 1, 1). Its shape is passed in the global offset, which the plugin does not use, and the preamble below
 * computes from it the ids and sizes that a kernel expects. */

static const char preamble[] =
    "inline size_t emulated_local_size(uint d) { return d < 3 ? get_global_offset(d) : 1; }\n"
    "inline size_t emulated_local_id(uint d) {\n"
    "  size_t id = get_local_id(0), x = get_global_offset(0), y = get_global_offset(1);\n"
    "  return d == 0 ? id % x : d == 1 ? id / x % y : d == 2 ? id / (x * y) : 0; }\n"
    "inline size_t emulated_global_size(uint d) { return get_num_groups(d) * emulated_local_size(d); }\n"
    "#define get_local_size(d) emulated_local_size(d)\n"
    "#define get_enqueued_local_size(d) emulated_local_size(d)\n"
    "#define get_local_id(d) (EMULATED_COLUMN ? (d) == 2 ? get_local_id(0) : 0 : emulated_local_id(d))\n"
    "#define get_global_id(d) (get_group_id(d) * emulated_local_size(d) + get_local_id(d))\n"
    "#define get_global_size(d) emulated_global_size(d)\n"
    "#define get_global_offset(d) ((size_t)0)\n"
    "#define reqd_work_group_size(x, y, z) reqd_work_group_size((x) * (y) * (z), 1, 1)\n"
    /* The plugin's RMS norm squares by native_powr(x, 2). For a negative x the CPU runtime returns NaN, a GPU x * x. */
    "#define native_powr(x, y) (native_powr)(fabs(x), y)\n"
    "#define EMULATED_COLUMN 0\n";

/* The CPU runtime's compiler runs a branch under a mask, taken or not, where it cannot prove that the condition is
 * equal in all lanes, and its sub-group block reads and writes ignore the mask. So a branch that is not taken reads
 * at an undefined address (pa_kv_cache_update_ref) or writes rows that do not exist (sdpa_opt). A GPU jumps over it.
 * The compiler does not know that id % x is equal in all lanes where x is 1, nor that get_sub_group_id() is. These
 * kernels, whose work-groups have the shape (1, 1, n), get constant ids in dimensions 0 and 1, and a broadcast
 * sub-group id. A program has several kernels; each begins with the plugin's definition of KERNEL. */
static const char *const column_kernels[] = {"pa_kv_cache_update_ref__", "paged_attention_opt__", "sdpa_opt__"};
static const char kernel_definition[] = "#define KERNEL(name) __kernel void ";
static const char any_shape[] = "#undef EMULATED_COLUMN\n#define EMULATED_COLUMN 0\n";
static const char column[] = "#undef EMULATED_COLUMN\n#define EMULATED_COLUMN 1\n#undef get_sub_group_id\n"
                             "#define get_sub_group_id() sub_group_broadcast(get_sub_group_id(), 0)\n";

static int is_column_kernel(const char *name) {
    for (size_t i = 0; i < sizeof column_kernels / sizeof *column_kernels; i++)
        if (!strncmp(name, column_kernels[i], strlen(column_kernels[i]))) return 1;
    return 0;
}

/* The text with the shape of each kernel defined before it; the caller frees it. NULL where memory is short. */
static char *with_shapes(const char *text, size_t length) {
    char *copy = strndup(text, length), *result = NULL;
    size_t size;
    FILE *file = copy ? open_memstream(&result, &size) : NULL;
    if (file) {
        for (char *at = copy, *end; *at; at = end) {
            end = strstr(at + 1, kernel_definition);
            if (!end) end = at + strlen(at);
            if (!strncmp(at, kernel_definition, strlen(kernel_definition)))
                fputs(is_column_kernel(at + strlen(kernel_definition)) ? column : any_shape, file);
            fwrite(at, 1, (size_t)(end - at), file);
        }
        fclose(file);
    }
    free(copy);
    return result;
}

/* The plugin probes for inline GPU assembly by this kernel; the CPU runtime's compiler ends the process over it. */
static const char assembly_probe[] = "void igc_check()";
static const char no_assembly[] = "#error no inline GPU assembly on the CPU runtime\n";

static cl_int CL_API_CALL enqueue_kernel(cl_command_queue queue, cl_kernel kernel, cl_uint dimensions,
                                         const size_t *offset, const size_t *global, const size_t *local,
                                         cl_uint wait_count, const cl_event *wait_list, cl_event *event) {
    size_t shape[3] = {1, 1, 1}, groups[3] = {1, 1, 1};
    for (cl_uint d = 0; d < dimensions; d++) {
        if (local) shape[d] = local[d];
        groups[d] = global[d] / shape[d];
        if ((offset && offset[d]) || groups[d] * shape[d] != global[d]) {
            fprintf(stderr, "opencl_layer: a global offset and a partial work-group are not emulated\n");
            return CL_INVALID_WORK_GROUP_SIZE;
        }
    }
    char name[256] = "";
    next->clGetKernelInfo(kernel, CL_KERNEL_FUNCTION_NAME, sizeof name, name, NULL);
    if (is_column_kernel(name) && shape[0] * shape[1] != 1) {
        fprintf(stderr, "opencl_layer: work-groups of `%s` are not of the shape (1, 1, n)\n", name);
        return CL_INVALID_WORK_GROUP_SIZE;
    }
    const size_t flat[3] = {shape[0] * shape[1] * shape[2], 1, 1};
    const size_t all[3] = {groups[0] * flat[0], groups[1], groups[2]};
    return next->clEnqueueNDRangeKernel(queue, kernel, 3, shape, all, flat, wait_count, wait_list, event);
}

/* ---- Programs ----
 *
 * Building the plugin's programs takes minutes on a CPU, so binaries are cached, one file per program, named by a
 * hash of the runtime's version, the program's text and the build options. The options are known only at the build,
 * when the application already has the handle of a program made from source. The program that was made from the
 * cached binary is then used in its place. */

struct program {
    cl_program source;   /* the application's handle */
    cl_program built;    /* the one that is used: the same, or one made from a cached binary */
    uint64_t hashes[2];  /* of the runtime's version and the text */
    struct program *older;
};

static struct program *programs;
static pthread_mutex_t programs_lock = PTHREAD_MUTEX_INITIALIZER;

static struct program *find(cl_program source) {
    pthread_mutex_lock(&programs_lock);
    struct program *found = programs;
    while (found && found->source != source) found = found->older;
    pthread_mutex_unlock(&programs_lock);
    return found;
}

static cl_program in_use(cl_program program) {
    const struct program *found = find(program);
    return found ? found->built : program;
}

/* FNV-1a with two start values: 128 bits in all. */
static void hash(uint64_t hashes[2], const char *text, size_t length) {
    for (size_t i = 0; i < length; i++)
        for (int h = 0; h < 2; h++) hashes[h] = (hashes[h] ^ (unsigned char)text[i]) * 0x100000001b3u;
}

static cl_device_id device_of(cl_context context) {
    cl_device_id device = NULL;
    next->clGetContextInfo(context, CL_CONTEXT_DEVICES, sizeof device, &device, NULL);
    return device;
}

static cl_program CL_API_CALL create_program(cl_context context, cl_uint count, const char **given_texts,
                                             const size_t *given_lengths, cl_int *error) {
    const char **texts = calloc(count + 1, sizeof *texts);
    struct program *program = calloc(1, sizeof *program);
    int complete = texts && program;
    if (complete) texts[0] = preamble;
    for (cl_uint i = 0; complete && i < count; i++) {
        const size_t length = given_lengths && given_lengths[i] ? given_lengths[i] : strlen(given_texts[i]);
        texts[i + 1] = with_shapes(given_texts[i], length);
        complete = texts[i + 1] != NULL;
        if (strstr(given_texts[i], assembly_probe)) texts[0] = no_assembly;
    }
    if (!complete) {
        for (cl_uint i = 1; texts && i <= count; i++) free((void *)texts[i]);
        free(texts), free(program);
        if (error) *error = CL_OUT_OF_HOST_MEMORY;
        return NULL;
    }
    char version[256] = "";
    next->clGetDeviceInfo(device_of(context), CL_DRIVER_VERSION, sizeof version, version, NULL);
    program->hashes[0] = 0xcbf29ce484222325u;
    program->hashes[1] = 0x9e3779b97f4a7c15u;
    hash(program->hashes, version, sizeof version);
    for (cl_uint i = 0; i <= count; i++)
        hash(program->hashes, texts[i], strlen(texts[i]));

    program->source = program->built = next->clCreateProgramWithSource(context, count + 1, texts, NULL, error);
    pthread_mutex_lock(&programs_lock);
    program->older = programs;
    programs = program;
    pthread_mutex_unlock(&programs_lock);
    for (cl_uint i = 1; i <= count; i++) free((void *)texts[i]);
    free(texts);
    return program->source;
}

/* The path of a program's binary, or false where none is cached. */
static int binary_path(const struct program *program, const char *options, char *path, size_t room) {
    const char *folder = getenv("EMULATED_GPU_PROGRAMS");
    if (!program || !folder) return 0;
    uint64_t hashes[2] = {program->hashes[0], program->hashes[1]};
    if (options) hash(hashes, options, strlen(options));
    const int length = snprintf(path, room, "%s/%016llx%016llx", folder, (unsigned long long)hashes[0],
                                (unsigned long long)hashes[1]);
    return length > 0 && (size_t)length < room;
}

/* The program of a cached binary, built, or NULL. */
static cl_program load_binary(cl_program source, const char *path, const char *options) {
    cl_context context = NULL;
    FILE *file = fopen(path, "rb");
    if (!file || next->clGetProgramInfo(source, CL_PROGRAM_CONTEXT, sizeof context, &context, NULL)) {
        if (file) fclose(file);
        return NULL;
    }
    fseek(file, 0, SEEK_END);
    const long end = ftell(file);
    const size_t bytes = end > 0 ? (size_t)end : 0;
    rewind(file);
    unsigned char *data = malloc(bytes + 1);
    const unsigned char *binary = data;
    const cl_device_id device = device_of(context);
    cl_program program = NULL;
    if (data && fread(data, 1, bytes, file) == bytes)
        program = next->clCreateProgramWithBinary(context, 1, &device, &bytes, &binary, NULL, NULL);
    fclose(file);
    free(data);
    return program && !next->clBuildProgram(program, 1, &device, options, NULL, NULL) ? program : NULL;
}

/* Written beside its name and renamed, so that a file of that name is complete. A failure costs a build next time. */
static void store_binary(cl_program program, const char *path) {
    size_t bytes = 0;
    if (next->clGetProgramInfo(program, CL_PROGRAM_BINARY_SIZES, sizeof bytes, &bytes, NULL) || !bytes) return;
    char part[600];
    snprintf(part, sizeof part, "%s.%ld.part", path, (long)getpid());
    unsigned char *binary = malloc(bytes);
    FILE *file = binary ? fopen(part, "wb") : NULL;
    if (file) {
        const int complete = !next->clGetProgramInfo(program, CL_PROGRAM_BINARIES, sizeof binary, &binary, NULL) &&
                             fwrite(binary, 1, bytes, file) == bytes;
        if (fclose(file) || !complete || rename(part, path)) unlink(part);
    }
    free(binary);
}

static cl_int CL_API_CALL build_program(cl_program source, cl_uint count, const cl_device_id *devices,
                                        const char *options, void(CL_CALLBACK *built)(cl_program, void *),
                                        void *data) {
    char path[512];
    struct program *program = find(source);
    /* With a callback the build may end later than this call. */
    if (built || !binary_path(program, options, path, sizeof path))
        return next->clBuildProgram(source, count, devices, options, built, data);
    const cl_program cached = load_binary(source, path, options);
    if (cached) {
        program->built = cached;
        return CL_SUCCESS;
    }
    const cl_int error = next->clBuildProgram(source, count, devices, options, NULL, NULL);
    if (!error) store_binary(source, path);
    return error;
}

static cl_kernel CL_API_CALL create_kernel(cl_program program, const char *name, cl_int *error) {
    return next->clCreateKernel(in_use(program), name, error);
}

static cl_int CL_API_CALL create_kernels(cl_program program, cl_uint count, cl_kernel *kernels, cl_uint *needed) {
    return next->clCreateKernelsInProgram(in_use(program), count, kernels, needed);
}

static cl_int CL_API_CALL get_program_info(cl_program program, cl_program_info query, size_t room, void *to,
                                           size_t *needed) {
    return next->clGetProgramInfo(in_use(program), query, room, to, needed);
}

static cl_int CL_API_CALL get_build_info(cl_program program, cl_device_id device, cl_program_build_info query,
                                         size_t room, void *to, size_t *needed) {
    return next->clGetProgramBuildInfo(in_use(program), device, query, room, to, needed);
}

/* The CPU runtime forgets a program at its last release although kernels of it still exist. The plugin then asks such
 * a kernel for its program, and clRetainProgram refuses it. So programs live until the process ends. */
static cl_int CL_API_CALL release_program(cl_program program) {
    (void)program;
    return CL_SUCCESS;
}

/* ---- What the OpenCL loader calls ---- */

cl_int CL_API_CALL clGetLayerInfo(cl_layer_info query, size_t room, void *to, size_t *needed) {
    static const char name[] = "arcgauge emulated GPU";
    const cl_layer_api_version version = CL_LAYER_API_VERSION_100;
    if (query == CL_LAYER_API_VERSION) return answer(&version, sizeof version, room, to, needed);
    if (query == CL_LAYER_NAME) return answer(name, sizeof name, room, to, needed);
    return CL_INVALID_VALUE;
}

cl_int CL_API_CALL clInitLayer(cl_uint entries, const cl_icd_dispatch *target, cl_uint *own_entries,
                               const cl_icd_dispatch **own) {
    static cl_icd_dispatch layer;
    const cl_uint needed = sizeof layer / sizeof(void *);
    if (!target || !own || !own_entries || entries < needed) return CL_INVALID_VALUE;
    next = target;
    layer = *target;
    layer.clGetDeviceInfo = get_device_info;
    layer.clEnqueueNDRangeKernel = enqueue_kernel;
    layer.clCreateProgramWithSource = create_program;
    layer.clBuildProgram = build_program;
    layer.clCreateKernel = create_kernel;
    layer.clCreateKernelsInProgram = create_kernels;
    layer.clGetProgramInfo = get_program_info;
    layer.clGetProgramBuildInfo = get_build_info;
    layer.clReleaseProgram = release_program;
    *own = &layer;
    *own_entries = needed;
    return CL_SUCCESS;
}
