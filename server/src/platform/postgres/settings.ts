/**
 * The settings of the embedded server, in one place: durable first, then fast on a small machine that it shares
 * with the application. Given on the command line, so that what runs is what stands here; the bench prints them.
 */
import { totalmem } from 'node:os'

export type ServerSettings = Record<string, string>

const mebibyte = 1024 * 1024

/** For a machine, or a container, with this much memory. */
export function serverSettings(memoryBytes: number = availableMemory()): ServerSettings {
  const memoryMb = Math.floor(memoryBytes / mebibyte)
  return {
    // Never beyond loopback.
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: '100',

    // Durable.
    fsync: 'on',
    synchronous_commit: 'on',
    full_page_writes: 'on',
    commit_delay: '0',

    // Memory: a quarter for the server's own cache, the rest is left to the file cache and to the application.
    shared_buffers: `${clamp(memoryMb / 4, 128, 2048)}MB`,
    effective_cache_size: `${clamp(memoryMb / 2, 256, 65_536)}MB`,
    work_mem: `${clamp(memoryMb / 256, 4, 32)}MB`,
    maintenance_work_mem: `${clamp(memoryMb / 16, 64, 512)}MB`,
    wal_buffers: '16MB',

    // Few and even checkpoints: after each one the first change of a page is written whole. These binaries are
    // built without lz4, so `on` (pglz) it is: payments take no longer for it, the log is much smaller.
    max_wal_size: '4GB',
    min_wal_size: '512MB',
    checkpoint_timeout: '15min',
    checkpoint_completion_target: '0.9',
    wal_compression: 'on',

    random_page_cost: '1.1',
    jit: 'off',
    track_io_timing: 'off',
    shared_preload_libraries: 'pg_stat_statements',

    // Journal and transfer only ever grow: by default they would first be visited after a fifth more rows. At some
    // thousand payments a second each visit takes 1.4 s of CPU: every 15 s that was a twentieth of two cores.
    autovacuum_naptime: '60s',
    autovacuum_vacuum_scale_factor: '0.05',
    autovacuum_vacuum_insert_scale_factor: '0.05',
    autovacuum_analyze_scale_factor: '0.02',
    autovacuum_vacuum_cost_limit: '1000',

    // To the log file through stderr. No parameter and no row content gets there: they may be personal data.
    log_destination: 'stderr',
    logging_collector: 'off',
    log_line_prefix: '%m [%p] %q%a ',
    log_timezone: 'UTC',
    log_error_verbosity: 'terse',
    log_parameter_max_length: '0',
    log_parameter_max_length_on_error: '0',
    log_min_duration_statement: '2s',

    TimeZone: 'UTC',
    cluster_name: 'lika',
  }
}

/** What the container allows, if it is limited, else what the machine has. */
function availableMemory(): number {
  const allowed = process.constrainedMemory()
  const whole = totalmem()
  return allowed > 0 && allowed < whole ? allowed : whole
}

function clamp(value: number, least: number, most: number): number {
  return Math.round(Math.min(Math.max(value, least), most))
}
