// KV states of an OpenVINO infer request, on Windows.
//
// OpenVINO is built with Microsoft's compiler, and this with that or with mingw, whose standard library has other
// layouts. So nothing of a standard library is used here: the structs repeat the layouts of Microsoft's, a member
// function is one whose first argument is the object and whose second is where its result goes, and what OpenVINO made
// is destroyed by OpenVINO's own functions. state.rs refuses versions for which that was not tested.

#include <stddef.h>
#include <stdio.h>
#include <windows.h>
#ifndef _MSC_VER
#include <excpt.h>
#endif

namespace {

// ov::VariableState and ov::Tensor: two shared pointers.
struct Object {
    void* pointers[4];
};

// ov_infer_request and ov_tensor: a shared pointer to the object.
struct Handle {
    Object* object;
};

// std::vector<ov::VariableState>.
struct States {
    Object* first;
    Object* last;
    Object* end;
};

// std::string: a short text is inside.
struct Text {
    union {
        char inside[16];
        char* outside;
    };
    size_t size;
    size_t capacity;

    const char* data() const { return capacity < sizeof inside ? inside : outside; }
};

// The functions that state.rs found, in the order of its `Functions`.
struct Functions {
    States* (*query_state)(Object* request, States* result);
    void (*reset_state)(Object* request);
    Text* (*get_name)(const Object* state, Text* result);
    Object* (*get_state)(const Object* state, Object* result);
    void (*set_state)(Object* state, const Object* tensor);
    void (*destroy_state)(Object* state);
    void (*destroy_tensor)(Object* tensor);
    Object* (*assign_tensor)(Object* to, const Object* from);
    Handle* (*new_tensor)();
};

// What the last exception said. One thread speaks with a request.
char last_message[512];

// An exception of C++, whose second parameter is the object. All that OpenVINO throws are of std::exception, whose
// second virtual function is `what`.
constexpr DWORD CPP_EXCEPTION = 0xE06D7363;

// Of Microsoft's runtime, which OpenVINO's memory is of.
void release(void* block, size_t size) {
    if (block == nullptr) {
        return;
    }
    // A large block is aligned, and has its own address before it.
    void* real = size < 4096 ? block : static_cast<void**>(block)[-1];
    HMODULE runtime = GetModuleHandleA("ucrtbase.dll");
    void* found = runtime == nullptr ? nullptr : reinterpret_cast<void*>(GetProcAddress(runtime, "free"));
    auto release = reinterpret_cast<void (*)(void*)>(found);
    if (release != nullptr) {
        release(real);
    }
}

}  // namespace

extern "C" long arcgauge_note_exception(EXCEPTION_POINTERS* at, void*) {
    const EXCEPTION_RECORD& record = *at->ExceptionRecord;
    const char* message = "an exception that is none of C++";
    if (record.ExceptionCode == CPP_EXCEPTION && record.NumberParameters >= 2) {
        void* object = reinterpret_cast<void*>(record.ExceptionInformation[1]);
        auto what = (*static_cast<const char* (***)(void*)>(object))[1];
        message = what(object);
    }
    snprintf(last_message, sizeof last_message, "%s", message);
    return EXCEPTION_EXECUTE_HANDLER;
}

namespace {

// Whether the call ended without an exception: one that reached Rust would end the process. The labels of mingw's macros
// allow one such place in a file.
#ifdef _MSC_VER
bool runs(void (*call)(void*), void* context) {
    __try {
        call(context);
        return true;
    } __except (arcgauge_note_exception(GetExceptionInformation(), nullptr)) {
        return false;
    }
}
#else
__attribute__((noinline)) bool runs(void (*call)(void*), void* context) {
    volatile bool ended = false;
    __try1(arcgauge_note_exception);
    call(context);
    ended = true;
    __except1;
    return ended;
}
#endif

template <class Call>
int guarded(char* error, size_t error_size, Call call) {
    auto made = [](void* context) { (*static_cast<Call*>(context))(); };
    if (runs(made, &call)) {
        return 0;
    }
    snprintf(error, error_size, "%s", last_message);
    return -1;
}

// Calls `each` with the name of each state.
template <class Each>
void for_each_state(const Functions* functions, const Handle* request, Each each) {
    States states = {};
    functions->query_state(request->object, &states);
    for (Object* state = states.first; state != states.last; ++state) {
        Text name = {};
        functions->get_name(state, &name);
        each(*state, name);
        if (name.capacity >= sizeof name.inside) {
            release(name.outside, name.capacity + 1);
        }
        functions->destroy_state(state);
    }
    release(states.first, (states.end - states.first) * sizeof(Object));
}

}  // namespace

extern "C" {

// Calls `visit` for each state with its name and, of the states that `wanted` names, either a new tensor handle,
// which the visitor owns, or why the state cannot be read.
int arcgauge_read_states(const Functions* functions, const Handle* request,
                         bool (*wanted)(void* context, const char* name, size_t length),
                         void (*visit)(void* context, const char* name, size_t length, Handle* tensor,
                                       const char* reason),
                         void* context, char* error, size_t error_size) {
    return guarded(error, error_size, [=] {
        for_each_state(functions, request, [=](Object& state, const Text& name) {
            Handle* tensor = nullptr;
            char reason[512] = "";
            if (wanted(context, name.data(), name.size)) {
                Object read = {};
                Object* to = &read;
                const Object* from = &state;
                if (guarded(reason, sizeof reason, [=] { functions->get_state(from, to); }) == 0) {
                    tensor = functions->new_tensor();
                    if (tensor == nullptr) {
                        snprintf(reason, sizeof reason, "%s", "no memory for a tensor");
                    } else {
                        functions->assign_tensor(tensor->object, &read);
                    }
                    functions->destroy_tensor(&read);
                }
            }
            visit(context, name.data(), name.size, tensor, reason);
        });
    });
}

// Asks `tensor_for` for the tensor of each state; a null leaves that state as it is.
int arcgauge_write_states(const Functions* functions, const Handle* request,
                          const Handle* (*tensor_for)(void* context, const char* name, size_t length), void* context,
                          char* error, size_t error_size) {
    return guarded(error, error_size, [=] {
        for_each_state(functions, request, [=](Object& state, const Text& name) {
            if (const Handle* tensor = tensor_for(context, name.data(), name.size)) {
                functions->set_state(&state, tensor->object);
            }
        });
    });
}

int arcgauge_reset_states(const Functions* functions, const Handle* request, char* error, size_t error_size) {
    return guarded(error, error_size, [=] { functions->reset_state(request->object); });
}

// The elements of a string tensor are of Microsoft's standard library, which cannot be made here.
bool arcgauge_set_string(void*, const char*, size_t) { return false; }

size_t arcgauge_string_size() { return 0; }

const char* arcgauge_get_string(const void*, size_t* length) {
    *length = 0;
    return "";
}

}  // extern "C"
