// Shared<T>: a T that this process shares with those it forks later.
#ifndef IPCSPEC_PLATFORMS_KERNEL_SHARED_H_
#define IPCSPEC_PLATFORMS_KERNEL_SHARED_H_

#include <sys/mman.h>

#include <new>
#include <type_traits>

#include "impl/call/check.h"

namespace ipcspec {

// REQUIRES: T holds no pointers, and what several processes change is atomic. The memory is touched
// only where T's constructor and its users do. A bug, or a machine without memory, stops.
template <class T>
class Shared {
 public:
  static_assert(std::is_trivially_destructible_v<T>);

  Shared() {
    void* const memory =
        mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    IPCSPEC_CHECK(memory != MAP_FAILED, "no shared memory");
    value_ = new (memory) T();
  }
  ~Shared() { munmap(value_, sizeof(T)); }
  Shared(const Shared&) = delete;
  Shared& operator=(const Shared&) = delete;

  T& operator*() const { return *value_; }
  T* operator->() const { return value_; }

 private:
  T* value_;
};

}  // namespace ipcspec

#endif  // IPCSPEC_PLATFORMS_KERNEL_SHARED_H_
