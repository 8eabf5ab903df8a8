// A model of the Lattice ECP5 cell DP16KD, for simulation. It is not Lattice's.
//
// Written for this project, with no vendor's text: ports and parameters are those of Yosys' empty
// cell (share/lattice/cells_bb_ecp5.v), and which pins a width uses is what Yosys' own mapping of
// memories (share/lattice/brams_map_16kd.v) connects. It has been compared with no chip.
//
// What it models: words of 1, 2, 4, 9 or 18 bits, with output registers or without, initial values,
// and the enables of the two bytes of 18 bits, which are ADA0 and ADA1. What a port reads while it
// writes is undefined, or with WRITETHROUGH what it writes; a port that NORMALly writes without
// output registers keeps its word. What a port reads of a word that the other one writes is
// undefined. And words of 36 bits, of which port A writes the bytes that ADA0 to ADA3 enable and
// port B reads, both with the pins of both: the lower half of a word has those of A.
//
// What it leaves out: ports of different widths or clocks, resets, chip selects, READBEFOREWRITE. A
// parameter that asks for one of these names a module that does not exist, and so stops the tool; a
// pin that asks makes what is read undefined.

module DP16KD (
    input CLKA, CEA, OCEA, RSTA, WEA, CSA2, CSA1, CSA0,
    input ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5, ADA4, ADA3, ADA2, ADA1, ADA0,
    input DIA17, DIA16, DIA15, DIA14, DIA13, DIA12, DIA11, DIA10, DIA9,
    input DIA8, DIA7, DIA6, DIA5, DIA4, DIA3, DIA2, DIA1, DIA0,
    output DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9,
    output DOA8, DOA7, DOA6, DOA5, DOA4, DOA3, DOA2, DOA1, DOA0,
    input CLKB, CEB, OCEB, RSTB, WEB, CSB2, CSB1, CSB0,
    input ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7, ADB6, ADB5, ADB4, ADB3, ADB2, ADB1, ADB0,
    input DIB17, DIB16, DIB15, DIB14, DIB13, DIB12, DIB11, DIB10, DIB9,
    input DIB8, DIB7, DIB6, DIB5, DIB4, DIB3, DIB2, DIB1, DIB0,
    output DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9,
    output DOB8, DOB7, DOB6, DOB5, DOB4, DOB3, DOB2, DOB1, DOB0
);
    parameter DATA_WIDTH_A = 18;
    parameter DATA_WIDTH_B = 18;
    parameter REGMODE_A = "NOREG";
    parameter REGMODE_B = "NOREG";
    parameter RESETMODE = "SYNC";
    parameter ASYNC_RESET_RELEASE = "SYNC";
    parameter CSDECODE_A = "0b000";
    parameter CSDECODE_B = "0b000";
    parameter WRITEMODE_A = "NORMAL";
    parameter WRITEMODE_B = "NORMAL";
    parameter CLKAMUX = "CLKA";
    parameter CLKBMUX = "CLKB";
    parameter GSR = "DISABLED";
    parameter [319:0] INITVAL_00 = 0, INITVAL_01 = 0, INITVAL_02 = 0, INITVAL_03 = 0,
              INITVAL_04 = 0, INITVAL_05 = 0, INITVAL_06 = 0, INITVAL_07 = 0,
              INITVAL_08 = 0, INITVAL_09 = 0, INITVAL_0A = 0, INITVAL_0B = 0,
              INITVAL_0C = 0, INITVAL_0D = 0, INITVAL_0E = 0, INITVAL_0F = 0,
              INITVAL_10 = 0, INITVAL_11 = 0, INITVAL_12 = 0, INITVAL_13 = 0,
              INITVAL_14 = 0, INITVAL_15 = 0, INITVAL_16 = 0, INITVAL_17 = 0,
              INITVAL_18 = 0, INITVAL_19 = 0, INITVAL_1A = 0, INITVAL_1B = 0,
              INITVAL_1C = 0, INITVAL_1D = 0, INITVAL_1E = 0, INITVAL_1F = 0,
              INITVAL_20 = 0, INITVAL_21 = 0, INITVAL_22 = 0, INITVAL_23 = 0,
              INITVAL_24 = 0, INITVAL_25 = 0, INITVAL_26 = 0, INITVAL_27 = 0,
              INITVAL_28 = 0, INITVAL_29 = 0, INITVAL_2A = 0, INITVAL_2B = 0,
              INITVAL_2C = 0, INITVAL_2D = 0, INITVAL_2E = 0, INITVAL_2F = 0,
              INITVAL_30 = 0, INITVAL_31 = 0, INITVAL_32 = 0, INITVAL_33 = 0,
              INITVAL_34 = 0, INITVAL_35 = 0, INITVAL_36 = 0, INITVAL_37 = 0,
              INITVAL_38 = 0, INITVAL_39 = 0, INITVAL_3A = 0, INITVAL_3B = 0,
              INITVAL_3C = 0, INITVAL_3D = 0, INITVAL_3E = 0, INITVAL_3F = 0;

    localparam WIDTH = DATA_WIDTH_A;
    localparam SHIFT = WIDTH == 36 ? 5 : WIDTH == 18 ? 4 : WIDTH == 9 ? 3 : WIDTH == 4 ? 2
                       : WIDTH - 1;
    localparam WORDS = 1 << (14 - SHIFT);
    localparam BYTES = WIDTH == 36 ? 4 : WIDTH == 18 ? 2 : 1;
    localparam UNIT = WIDTH / BYTES;  // bits that are written together
    localparam THROUGH_A = WRITEMODE_A == "WRITETHROUGH";
    localparam THROUGH_B = WRITEMODE_B == "WRITETHROUGH";
    localparam HOLDS_A = !THROUGH_A && REGMODE_A == "NOREG";
    localparam HOLDS_B = !THROUGH_B && REGMODE_B == "NOREG";

    generate
        if ((WIDTH != 1 && WIDTH != 2 && WIDTH != 4 && WIDTH != 9 && WIDTH != 18 && WIDTH != 36)
            || DATA_WIDTH_B != WIDTH || CLKBMUX != "CLKB" || CLKAMUX != "CLKA"
            || CSDECODE_A != "0b000" || CSDECODE_B != "0b000"
            || (WRITEMODE_A != "NORMAL" && !THROUGH_A) || (WRITEMODE_B != "NORMAL" && !THROUGH_B)
            || (REGMODE_A != "NOREG" && REGMODE_A != "OUTREG")
            || (REGMODE_B != "NOREG" && REGMODE_B != "OUTREG"))
            dp16kd_is_not_modelled_like_this stop();
    endgenerate

    wire [13:0] address_a = {ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7,
                             ADA6, ADA5, ADA4, ADA3, ADA2, ADA1, ADA0};
    wire [13:0] address_b = {ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7,
                             ADB6, ADB5, ADB4, ADB3, ADB2, ADB1, ADB0};
    wire [17:0] given_a = {DIA17, DIA16, DIA15, DIA14, DIA13, DIA12, DIA11, DIA10, DIA9,
                           DIA8, DIA7, DIA6, DIA5, DIA4, DIA3, DIA2, DIA1, DIA0};
    wire [17:0] given_b = {DIB17, DIB16, DIB15, DIB14, DIB13, DIB12, DIB11, DIB10, DIB9,
                           DIB8, DIB7, DIB6, DIB5, DIB4, DIB3, DIB2, DIB1, DIB0};

    // Initial values are 16 pieces of 18 bits, in 20 each; eight bits of narrow words are in nine.
    localparam [20479:0] INIT = {
        INITVAL_3F, INITVAL_3E, INITVAL_3D, INITVAL_3C,
        INITVAL_3B, INITVAL_3A, INITVAL_39, INITVAL_38,
        INITVAL_37, INITVAL_36, INITVAL_35, INITVAL_34,
        INITVAL_33, INITVAL_32, INITVAL_31, INITVAL_30,
        INITVAL_2F, INITVAL_2E, INITVAL_2D, INITVAL_2C,
        INITVAL_2B, INITVAL_2A, INITVAL_29, INITVAL_28,
        INITVAL_27, INITVAL_26, INITVAL_25, INITVAL_24,
        INITVAL_23, INITVAL_22, INITVAL_21, INITVAL_20,
        INITVAL_1F, INITVAL_1E, INITVAL_1D, INITVAL_1C,
        INITVAL_1B, INITVAL_1A, INITVAL_19, INITVAL_18,
        INITVAL_17, INITVAL_16, INITVAL_15, INITVAL_14,
        INITVAL_13, INITVAL_12, INITVAL_11, INITVAL_10,
        INITVAL_0F, INITVAL_0E, INITVAL_0D, INITVAL_0C,
        INITVAL_0B, INITVAL_0A, INITVAL_09, INITVAL_08,
        INITVAL_07, INITVAL_06, INITVAL_05, INITVAL_04,
        INITVAL_03, INITVAL_02, INITVAL_01, INITVAL_00};
    reg [WIDTH-1:0] words [0:WORDS-1];
    integer i, bit_index, place;
    initial
        for (i = 0; i < WORDS; i = i + 1)
            for (bit_index = 0; bit_index < WIDTH; bit_index = bit_index + 1) begin
                place = i * WIDTH + bit_index;
                if (WIDTH < 9) place = place / 8 * 9 + place % 8;
                words[i][bit_index] = INIT[place / 18 * 20 + place % 18];
            end

    function [WIDTH-1:0] mixed(input [WIDTH-1:0] old, given, input [3:0] enables);
        integer unit;
        for (unit = 0; unit < BYTES; unit = unit + 1)
            mixed[unit*UNIT +: UNIT] = BYTES == 1 || enables[unit] ? given[unit*UNIT +: UNIT]
                                                                   : old[unit*UNIT +: UNIT];
    endfunction

    wire [13:0] row_a = address_a >> SHIFT, row_b = address_b >> SHIFT;
    wire [35:0] both = {given_b, given_a};
    wire [WIDTH-1:0] new_a = mixed(words[row_a], both[WIDTH-1:0], address_a[3:0]);
    wire [35:0] other = {18'b0, given_b};
    wire [WIDTH-1:0] new_b = mixed(words[row_b], other[WIDTH-1:0], address_b[3:0]);
    wire writes_a = CEA && WEA && (BYTES == 1 || (address_a & ((1 << BYTES) - 1)) != 0);
    wire writes_b = CEB && WEB && WIDTH != 36 && (BYTES == 1 || address_b[1:0] != 0);
    wire strange = RSTA || RSTB || CSA0 || CSA1 || CSA2 || CSB0 || CSB1 || CSB2
                   || (WIDTH == 36 && WEB);
    wire hit = row_a == row_b;

    reg [WIDTH-1:0] read_a, read_b, late_a, late_b;
    always @(posedge CLKA) begin
        if (CEA && !(HOLDS_A && WEA))
            read_a <= strange || (WEA && !THROUGH_A) || (writes_b && hit) ? {WIDTH{1'bx}}
                      : writes_a ? new_a : words[row_a];
        if (CEB && !(HOLDS_B && WEB))
            read_b <= strange || (WEB && !THROUGH_B) || (writes_a && hit) ? {WIDTH{1'bx}}
                      : writes_b ? new_b : words[row_b];
        if (OCEA) late_a <= read_a;
        if (OCEB) late_b <= read_b;
        if (writes_a) words[row_a] <= new_a;
        if (writes_b) words[row_b] <= new_b;
    end

    wire [35:0] shown_a = {36'b0, REGMODE_A == "OUTREG" ? late_a : read_a};
    wire [35:0] shown_b = {36'b0, REGMODE_B == "OUTREG" ? late_b : read_b};
    assign {DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9,
            DOA8, DOA7, DOA6, DOA5, DOA4, DOA3, DOA2, DOA1, DOA0}
        = WIDTH == 36 ? shown_b[17:0] : shown_a[17:0];
    assign {DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9,
            DOB8, DOB7, DOB6, DOB5, DOB4, DOB3, DOB2, DOB1, DOB0}
        = WIDTH == 36 ? shown_b[35:18] : shown_b[17:0];
endmodule
