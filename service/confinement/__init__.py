"""The service takes its own rights away before it loads a model, as far as an ordinary user can on Linux.

`confine` decides what is taken, and says in one line what holds. `seccomp` refuses system calls, `landlock`
files and ports, and `readable` lists the files that a service may read. `kernel` makes the system calls.

Both interfaces are used by their documentation, without a library: pyseccomp needs `libseccomp.so.2`, which
the smallest images lack, and the bindings of Landlock need a newer Python than the oldest of an image.
"""
