// Elements of a string tensor of OpenVINO.
//
// They are std::string objects. The C API sets them from texts that end with a NUL, which a text may have inside, and has
// no call that reads them. Both sides use the same libstdc++.

#include <cstddef>
#include <string>

extern "C" {

// False where there is no memory for the text: an exception that reached Rust would end the process.
bool arcgauge_set_string(void* element, const char* text, std::size_t length) {
    try {
        static_cast<std::string*>(element)->assign(text, length);
        return true;
    } catch (...) {
        return false;
    }
}

std::size_t arcgauge_string_size() { return sizeof(std::string); }

const char* arcgauge_get_string(const void* element, std::size_t* length) {
    const auto& text = *static_cast<const std::string*>(element);
    *length = text.size();
    return text.data();
}

}  // extern "C"
