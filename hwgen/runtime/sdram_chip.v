// A model of a memory chip (SDR SDRAM) at its pins, for simulation. It holds all that it is told
// against its data sheet: `fault` is the number of the first rule that was broken, 0 if none was.
//
// Written for this project. Times are in picoseconds, and a few in cycles besides; n cycles last
// n * 1e9 / KHZ picoseconds, so nothing is rounded. Bursts have eight words, reads a CAS latency of
// 3; auto precharge, burst stop, DQM within a burst and power-down are faults, as nobody uses them.

module sdram_chip #(
    parameter WIDTH = 16, ROW_BITS = 13, COLUMN_BITS = 9, ADDRESS_BITS = 13,
    parameter KHZ = 100000,
    parameter T_CK = 0,          // the shortest clock cycle
    parameter T_RCD = 0,         // ACTIVATE to READ or WRITE
    parameter T_RP = 0,          // PRECHARGE to what follows
    parameter T_RAS = 0,         // ACTIVATE to PRECHARGE
    parameter T_RAS_MAX = 0,
    parameter T_RC = 0,          // ACTIVATE to ACTIVATE, of a bank
    parameter T_RRD = 0,         // ACTIVATE to ACTIVATE, of two banks
    parameter C_RRD = 0,
    parameter T_RFC = 0,         // REFRESH to what follows
    parameter T_WR = 0,          // the last word of a WRITE to PRECHARGE
    parameter C_WR = 0,
    parameter T_MRD = 0,         // LOAD MODE REGISTER to what follows
    parameter C_MRD = 0,
    parameter T_INIT = 0,        // the first clock to the first command
    parameter [63:0] T_REF = 0,  // in which all rows are refreshed
    parameter REFRESHES = 8192,  // that takes
    // Of T_REF / REFRESHES, on average, a single refresh may be late by so much.
    parameter T_LATE = 0,
    parameter DELAY = 0          // cycles that words take longer to come, by a board's wires
) (
    input clk, ras_n, cas_n, we_n, dqm,
    input [ADDRESS_BITS-1:0] a,
    input [1:0] ba,
    input [WIDTH-1:0] dq_i,
    input dq_oe,
    output reg [WIDTH-1:0] dq_o,
    output reg [4:0] fault
);
    localparam [4:0] CK = 1, RCD = 2, RP = 3, RAS = 4, RAS_MAX = 5, RC = 6, RRD = 7, RFC = 8,
        WR = 9, MRD = 10, INIT = 11, INTERVAL = 12, REF = 13, BANK = 14, MODE = 15, BURST = 16,
        BUS = 17, COMMAND = 18;
    localparam CAS = 3, STAGES = CAS - 1 + DELAY;
    localparam [12:0] ALL = 13'h400, MODE_WORD = CAS << 4 | 3;
    localparam signed [63:0] PS = 1000000000, LONG_AGO = -(64'd1 << 30),
        EVERY = T_REF * KHZ / REFRESHES;

    reg [WIDTH-1:0] cells [0:(4 << (ROW_BITS + COLUMN_BITS)) - 1];
    reg signed [63:0] activated [0:3], closed [0:3], written [0:3], refreshed [0:REFRESHES-1];
    reg signed [63:0] now, last_activate, last_refresh, last_mode, deadline, latest;
    reg [ROW_BITS-1:0] row [0:3];
    reg [3:0] open;
    reg precharged, ready;
    reg [31:0] refreshes;
    // The burst under way, and words on their way out.
    reg [3:0] left;
    reg writes;
    reg [1:0] bank;
    reg [COLUMN_BITS-1:0] column;
    reg [WIDTH-1:0] words [0:STAGES];
    reg [STAGES:0] drives;
    reg [WIDTH-1:0] word;
    reg some, driving;
    integer i;

    function early(input signed [63:0] since, input signed [63:0] ps);
        early = (now - since) * PS < ps * KHZ;
    endfunction

    task check(input wrong, input [4:0] rule);
        if (wrong && fault == 0) fault = rule;
    endtask

    // What holds of every command that needs all banks closed or open another time.
    task begins;
        begin
            check(early(last_refresh, T_RFC), RFC);
            check(early(last_mode, T_MRD) || now - last_mode < C_MRD, MRD);
        end
    endtask

    task all_closed;
        begin
            check(open != 0, BANK);
            for (i = 0; i < 4; i = i + 1) check(early(closed[i], T_RP), RP);
            begins;
        end
    endtask

    task access(input write);
        begin
            check(!ready, INIT);
            check(!open[ba], BANK);
            check(early(activated[ba], T_RCD), RCD);
            check(left != 0, BURST);
            check(a[10], COMMAND);
            left = 8;
            writes = write;
            bank = ba;
            column = a[COLUMN_BITS-1:0];
        end
    endtask

    initial begin
        now = 0; fault = 0; open = 0; precharged = 0; ready = 0; refreshes = 0; left = 0;
        writes = 0; drives = 0; driving = 0; deadline = 0; latest = 0;
        last_activate = LONG_AGO; last_refresh = LONG_AGO; last_mode = LONG_AGO;
        for (i = 0; i < 4; i = i + 1) begin
            activated[i] = LONG_AGO; closed[i] = LONG_AGO; written[i] = LONG_AGO;
        end
        check(64'd1000000000 < T_CK * KHZ, CK);
    end

    always @(posedge clk) begin
        check({ras_n, cas_n, we_n} != 3'b111 && early(0, T_INIT), INIT);
        check(ready && now * PS > deadline, INTERVAL);
        for (i = 0; i < 4; i = i + 1)
            check(open[i] && (now - activated[i]) * PS > T_RAS_MAX * KHZ, RAS_MAX);
        case ({ras_n, cas_n, we_n})
            3'b011: begin  // ACTIVATE
                check(!ready, INIT);
                check(open[ba], BANK);
                check(early(closed[ba], T_RP), RP);
                check(early(activated[ba], T_RC), RC);
                check(early(last_activate, T_RRD) || now - last_activate < C_RRD, RRD);
                begins;
                open[ba] = 1;
                row[ba] = a[ROW_BITS-1:0];
                activated[ba] = now;
                last_activate = now;
            end
            3'b101: access(0);
            3'b100: access(1);
            3'b010: begin  // PRECHARGE
                begins;
                for (i = 0; i < 4; i = i + 1)
                    if (a[10] || i == ba) begin
                        check(open[i] && early(activated[i], T_RAS), RAS);
                        check(open[i] && (early(written[i], T_WR) || now - written[i] < C_WR), WR);
                        check(open[i] && left != 0 && bank == i, BURST);
                        open[i] = 0;
                        closed[i] = now;
                    end
                if (a[10]) precharged = 1;
            end
            3'b001: begin  // REFRESH
                all_closed;
                check(!precharged, INIT);
                latest = now * PS + EVERY + T_LATE * KHZ;
                deadline = ready && deadline + EVERY < latest ? deadline + EVERY : latest;
                check(refreshes >= REFRESHES &&
                      (now - refreshed[refreshes % REFRESHES]) * PS > T_REF * KHZ, REF);
                refreshed[refreshes % REFRESHES] = now;
                refreshes = refreshes + 1;
                last_refresh = now;
            end
            3'b000: begin  // LOAD MODE REGISTER
                all_closed;
                check(!precharged || refreshes < 2, INIT);
                check(a != MODE_WORD || ba != 0, MODE);
                ready = 1;
                last_mode = now;
            end
            3'b110: check(1, COMMAND);
            default: ;
        endcase

        // Whoever drives the bus does so alone; words of a WRITE must be there.
        check(dq_oe && driving, BUS);
        some = left != 0 && !writes;
        word = cells[{bank, row[bank], column}];
        if (left != 0) begin
            check(dqm, COMMAND);
            if (writes) begin
                check(!dq_oe, BUS);
                cells[{bank, row[bank], column}] = dq_i;
                written[bank] = now;
            end
            column[2:0] = column[2:0] + 1;
            left = left - 1;
        end
        words[0] = word;
        drives[0] = some;
        driving = drives[STAGES];
        dq_o <= driving ? words[STAGES] : ~words[STAGES];
        for (i = STAGES; i > 0; i = i - 1) begin
            words[i] = words[i-1];
            drives[i] = drives[i-1];
        end
        now = now + 1;
    end
endmodule
