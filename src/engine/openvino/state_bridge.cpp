// KV states of an OpenVINO infer request.
//
// The C API of OpenVINO has no call for variable states. The C++ API has, and state.rs looks its
// functions up by name at run time, so that neither headers nor libraries of OpenVINO are needed to
// build. The structs below repeat the layout of OpenVINO's classes; state.rs refuses versions for
// which that layout was not tested.
//
// Every entry point catches C++ exceptions: one that reached Rust would end the process.

#include <cstddef>
#include <cstdio>
#include <exception>
#include <memory>
#include <string>
#include <vector>

namespace {

// ov::VariableState and ov::Tensor: an implementation, and the library that its code is in.
struct Object {
    std::shared_ptr<void> implementation;
    std::shared_ptr<void> library;

    Object() = default;
    Object(const Object&) = default;
    Object& operator=(const Object&) = default;
    ~Object() { implementation.reset(); }  // before the library goes
};
static_assert(sizeof(Object) == 32, "ov::VariableState and ov::Tensor have 32 bytes");

// ov_infer_request, whose object is an ov::InferRequest.
struct RequestHandle {
    std::shared_ptr<void> object;
};

// ov_tensor, whose object is an ov::Tensor.
struct TensorHandle {
    std::shared_ptr<Object> object;
};

// The functions that state.rs found, in the order of its `Functions`.
struct Functions {
    std::vector<Object> (*query_state)(void* request);
    void (*reset_state)(void* request);
    std::string (*get_name)(const Object* state);
    Object (*get_state)(const Object* state);
    void (*set_state)(Object* state, const Object* tensor);
};

template <class Call>
int guarded(char* error, std::size_t error_size, Call&& call) {
    try {
        call();
        return 0;
    } catch (const std::exception& cause) {
        std::snprintf(error, error_size, "%s", cause.what());
    } catch (...) {
        std::snprintf(error, error_size, "an exception that is no std::exception");
    }
    return -1;
}

}  // namespace

extern "C" {

// Calls `visit` for each state with its name and, of the states that `wanted` names, either a new tensor handle,
// which the visitor owns, or why the state cannot be read: a GPU plugin has states that cannot be read before
// the first inference, beside others that can.
int arcgauge_read_states(const Functions* functions, const RequestHandle* request,
                         bool (*wanted)(void* context, const char* name, std::size_t length),
                         void (*visit)(void* context, const char* name, std::size_t length, TensorHandle* tensor,
                                       const char* reason),
                         void* context, char* error, std::size_t error_size) {
    return guarded(error, error_size, [&] {
        for (const Object& state : functions->query_state(request->object.get())) {
            const std::string name = functions->get_name(&state);
            TensorHandle* tensor = nullptr;
            char reason[512] = "";
            if (wanted(context, name.data(), name.size())) {
                guarded(reason, sizeof reason, [&] {
                    tensor = new TensorHandle{std::make_shared<Object>(functions->get_state(&state))};
                });
            }
            visit(context, name.data(), name.size(), tensor, reason);
        }
    });
}

// Asks `tensor_for` for the tensor of each state; a null leaves that state as it is.
int arcgauge_write_states(const Functions* functions, const RequestHandle* request,
                          const TensorHandle* (*tensor_for)(void* context, const char* name, std::size_t length),
                          void* context, char* error, std::size_t error_size) {
    return guarded(error, error_size, [&] {
        for (Object& state : functions->query_state(request->object.get())) {
            const std::string name = functions->get_name(&state);
            if (const TensorHandle* tensor = tensor_for(context, name.data(), name.size())) {
                functions->set_state(&state, tensor->object.get());
            }
        }
    });
}

int arcgauge_reset_states(const Functions* functions, const RequestHandle* request, char* error,
                          std::size_t error_size) {
    return guarded(error, error_size, [&] { functions->reset_state(request->object.get()); });
}

}  // extern "C"
