// Memory for coroutine frames: a free list per size class and thread.
//
// g++ 14 never elides the allocation of an awaited coroutine's frame, so a request would pay
// several malloc calls; here it pays a pop and a push. Classes are 128 bytes wide up to 4 KiB;
// larger frames and sanitizer builds (which must see use after free) go to operator new. A frame
// must be freed on the thread that allocated it, which loops guarantee.
#pragma once

#include <cstddef>

namespace sk {

void* allocate_frame(std::size_t bytes);
void free_frame(void* frame, std::size_t bytes) noexcept;

}  // namespace sk
