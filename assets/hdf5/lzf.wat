;; HDF5's lzf filter (id 32000), decoder only, as a side module that h5wasm's HDF5 loads by itself (H5PL).
;; h5wasm-plugins 0.2.1 has an lzf too, but it gives up where a chunk is bigger than the dataset's header says, and that
;; is so for every dataset of strings that h5py wrote; it also needs C's errno, which h5wasm does not export.
;; Format (liblzf): a control byte c; c < 32: c + 1 bytes follow as they are; else copy (c >> 5) + 2 bytes (7: plus the
;; next byte) from ((c & 31) << 8) + next byte + 1 bytes before.
;; Built by: node build.mjs (needs wat2wasm of npm's wabt)
(module
  (import "env" "memory" (memory 1))
  (import "env" "__indirect_function_table" (table 1 funcref))
  (import "env" "__memory_base" (global $memory i32))
  (import "env" "__table_base" (global $table i32))
  (import "env" "malloc" (func $malloc (param i32) (result i32)))
  (import "env" "free" (func $free (param i32)))
  (elem (global.get $table) $filter)
  (data (global.get $memory) "lzf\00")

  ;; H5PL_TYPE_FILTER
  (func (export "H5PLget_plugin_type") (result i32) i32.const 0)

  ;; H5Z_class2_t: version, id, encoder, decoder, name, can_apply, set_local, filter
  (func (export "H5PLget_plugin_info") (result i32)
    (local $at i32)
    (local.set $at (i32.add (global.get $memory) (i32.const 16)))
    (i32.store (local.get $at) (i32.const 1))
    (i32.store offset=4 (local.get $at) (i32.const 32000))
    (i32.store offset=8 (local.get $at) (i32.const 0))
    (i32.store offset=12 (local.get $at) (i32.const 1))
    (i32.store offset=16 (local.get $at) (global.get $memory))
    (i32.store offset=20 (local.get $at) (i32.const 0))
    (i32.store offset=24 (local.get $at) (i32.const 0))
    (i32.store offset=28 (local.get $at) (global.get $table))
    (local.get $at))

  ;; Length of the decoded data; -1 where the input ends within an item.
  (func $length (param $in i32) (param $end i32) (result i32)
    (local $c i32) (local $n i32)
    (loop $next
      (if (i32.lt_u (local.get $in) (local.get $end))
        (then
          (local.set $c (i32.load8_u (local.get $in)))
          (local.set $in (i32.add (local.get $in) (i32.const 1)))
          (if (i32.lt_u (local.get $c) (i32.const 32))
            (then
              (local.set $c (i32.add (local.get $c) (i32.const 1)))
              (local.set $in (i32.add (local.get $in) (local.get $c))))
            (else
              (local.set $c (i32.shr_u (local.get $c) (i32.const 5)))
              (if (i32.eq (local.get $c) (i32.const 7))
                (then
                  (if (i32.ge_u (local.get $in) (local.get $end)) (then (return (i32.const -1))))
                  (local.set $c (i32.add (local.get $c) (i32.load8_u (local.get $in))))
                  (local.set $in (i32.add (local.get $in) (i32.const 1)))))
              (local.set $c (i32.add (local.get $c) (i32.const 2)))
              (local.set $in (i32.add (local.get $in) (i32.const 1)))))
          (local.set $n (i32.add (local.get $n) (local.get $c)))
          (br $next))))
    (if (result i32) (i32.eq (local.get $in) (local.get $end))
      (then (local.get $n))
      (else (i32.const -1))))

  ;; Decodes to $out, whose size is $length's; 0 where a copy would begin before $out.
  (func $decode (param $in i32) (param $end i32) (param $out i32) (result i32)
    (local $c i32) (local $start i32) (local $from i32)
    (local.set $start (local.get $out))
    (loop $next
      (if (i32.lt_u (local.get $in) (local.get $end))
        (then
          (local.set $c (i32.load8_u (local.get $in)))
          (local.set $in (i32.add (local.get $in) (i32.const 1)))
          (if (i32.lt_u (local.get $c) (i32.const 32))
            (then
              (local.set $c (i32.add (local.get $c) (i32.const 1)))
              (local.set $from (local.get $in))
              (local.set $in (i32.add (local.get $in) (local.get $c))))
            (else
              (local.set $from
                (i32.sub
                  (i32.sub (local.get $out) (i32.const 1))
                  (i32.shl (i32.and (local.get $c) (i32.const 31)) (i32.const 8))))
              (local.set $c (i32.shr_u (local.get $c) (i32.const 5)))
              (if (i32.eq (local.get $c) (i32.const 7))
                (then
                  (local.set $c (i32.add (local.get $c) (i32.load8_u (local.get $in))))
                  (local.set $in (i32.add (local.get $in) (i32.const 1)))))
              (local.set $from (i32.sub (local.get $from) (i32.load8_u (local.get $in))))
              (local.set $in (i32.add (local.get $in) (i32.const 1)))
              (local.set $c (i32.add (local.get $c) (i32.const 2)))
              (if (i32.lt_u (local.get $from) (local.get $start)) (then (return (i32.const 0))))))
          ;; byte by byte: source and target may overlap, which repeats a pattern
          (loop $copy
            (i32.store8 (local.get $out) (i32.load8_u (local.get $from)))
            (local.set $out (i32.add (local.get $out) (i32.const 1)))
            (local.set $from (i32.add (local.get $from) (i32.const 1)))
            (br_if $copy (local.tee $c (i32.sub (local.get $c) (i32.const 1)))))
          (br $next))))
    (i32.const 1))

  ;; size_t filter(unsigned flags, size_t cd_nelmts, const unsigned cd[], size_t nbytes, size_t *buf_size, void **buf)
  ;; 0 is HDF5's word for failure.
  (func $filter (param $flags i32) (param i32) (param i32) (param $nbytes i32) (param $size i32) (param $buffer i32)
    (result i32)
    (local $in i32) (local $end i32) (local $out i32) (local $n i32)
    ;; 0x100: H5Z_FLAG_REVERSE
    (if (i32.eqz (i32.and (local.get $flags) (i32.const 0x100))) (then (return (i32.const 0))))
    (local.set $in (i32.load (local.get $buffer)))
    (local.set $end (i32.add (local.get $in) (local.get $nbytes)))
    (local.set $n (call $length (local.get $in) (local.get $end)))
    (if (i32.le_s (local.get $n) (i32.const 0)) (then (return (i32.const 0))))
    (local.set $out (call $malloc (local.get $n)))
    (if (i32.eqz (local.get $out)) (then (return (i32.const 0))))
    (if (i32.eqz (call $decode (local.get $in) (local.get $end) (local.get $out)))
      (then
        (call $free (local.get $out))
        (return (i32.const 0))))
    (call $free (local.get $in))
    (i32.store (local.get $buffer) (local.get $out))
    (i32.store (local.get $size) (local.get $n))
    (local.get $n)))
